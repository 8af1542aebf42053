#!/bin/sh
# Makes Temporal's two databases and brings their tables to this version. A repeat changes nothing. Connection: SQL_* of the environment.
set -eu

prepare() {
  temporal-sql-tool --db "$1" create
  # Version 0.0 is an empty schema; on a database that has one already this is refused, which is right.
  temporal-sql-tool --db "$1" setup-schema -v 0.0 || echo "$1 has a schema already"
  temporal-sql-tool --db "$1" update-schema -d "/etc/temporal/schema/postgresql/v12/$2/versioned"
}

prepare temporal temporal
prepare temporal_visibility visibility
