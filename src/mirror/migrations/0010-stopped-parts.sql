-- The error for which one of a run's parts, and with it the run, writes nothing more to the org. Every part asks: intents are many.
alter table apply_part add column stopped_by text;
