# Debian, not Alpine: Temporal's native part needs glibc.
FROM node:24-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
COPY simulator/package.json simulator/
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY . .
# The workflows as one file, made once: a worker that need not bundle starts sooner and takes half the memory.
RUN node scripts/bundle-workflows.ts && npm prune --omit=dev --ignore-scripts --no-audit --no-fund

FROM node:24-slim
# The certificates of the system are those by which Temporal's native part knows a server.
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates && rm -rf /var/lib/apt/lists/*
WORKDIR /app
ENV NODE_ENV=production CRM_SYNC_WORKFLOW_BUNDLE=/app/dist/workflow-bundle.js
COPY --from=build /app /app
USER node
ENTRYPOINT ["node", "--max-semi-space-size=8", "--max-old-space-size=384", "src/cli/main.ts"]
CMD ["worker"]
