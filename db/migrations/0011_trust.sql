-- Who had a hand in a listing: who asked for it as well as who did it; entries of before say only the latter.
alter table integrity_entries add column proposed_by text;

-- Where a principal's roles come from; null: made before that was asked. A right may be ended on a day to come.
alter table standings add column roles_from text check (roles_from in ('register', 'token'));
