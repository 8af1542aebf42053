import type { Org } from './org.ts';

/** The rows of User and Organization that every org has. */
export function seedOrganization({ store, credentials }: Org): void {
  store.transaction(() => {
    const created = '2026-01-01T00:00:00.000Z';
    store
      .sql(`insert or ignore into "User" ("Id", "Username", "LastName", "FirstName", "Name", "Email", "IsActive", "UserType", "TimeZoneSidKey", "LocaleSidKey", "LanguageLocaleKey", "CreatedDate", "LastModifiedDate", "SystemModstamp")
      values (?, ?, 'User', 'Integration', 'Integration User', ?, 1, 'Standard', 'UTC', 'en_US', 'en_US', ?, ?, ?)`)
      .run(credentials.userId, credentials.username, credentials.username, created, created, created);
    store
      .sql(`insert or ignore into "Organization" ("Id", "Name", "InstanceName", "IsSandbox", "OrganizationType", "DefaultLocaleSidKey", "LanguageLocaleKey", "TimeZoneSidKey", "CreatedDate", "LastModifiedDate", "SystemModstamp")
      values (?, 'Simulated Org', 'SIM1', 0, 'Developer Edition', 'en_US', 'en_US', 'UTC', ?, ?, ?)`)
      .run(credentials.organizationId, created, created, created);
  });
}
