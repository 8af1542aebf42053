/** Names of the search attributes of a run; keywords. Registered by the worker at its start. */
export const runStatusName = 'CrmSyncStatus';
export const runKindName = 'CrmSyncRunKind';
