-- Which attempt works on a part of Salesforce's: each takes it anew, and what an earlier one still does is fenced off.
alter table apply_part add column taken integer not null default 0;
