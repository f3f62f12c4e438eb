-- Who had a hand in a listing: who asked for it as well as who did it; entries of before say only the latter.
alter table integrity_entries add column proposed_by text;
