-- Every row is changed once more when what was sent is read back: with room in its page that happens in place (HOT).
alter table written set (fillfactor = 50);
