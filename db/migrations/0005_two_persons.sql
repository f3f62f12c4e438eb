-- Two persons for whatever creates money, moves it or changes a right; and what an auditor asks of every act: who, from
-- where, and what was before.

alter type command_kind add value 'propose';
alter type command_kind add value 'decline_proposal';

-- A command as the first person asked for it; the second one's approval is the command itself, naming the proposal.
create table proposals (
  book         integer not null,
  proposal     bigint not null,                   -- the number of the command that made it
  kind         text not null,                     -- the kind of command asked for
  command      text not null,                     -- and the command, as JSON
  jurisdiction integer not null,                  -- whose bureau asked for it; 0: the region's
  proposed_by  text not null,
  proposed_on  date not null,
  note         text,                              -- why, in the words of who proposed it
  state        text not null check (state in ('open', 'approved', 'declined', 'withdrawn')),
  decided_by   text,
  primary key (book, proposal),
  check ((state = 'open') = (decided_by is null)),
  check (state <> 'approved' or decided_by <> proposed_by)
);
create index proposals_open on proposals (jurisdiction, book, proposal) where state = 'open';

-- From where somebody acts: the address a request came from, as far as it is known.
alter table actors add column origin text not null default '';
alter table actors drop constraint actors_organisation_subject_key;
alter table actors add unique (organisation, subject, origin);

-- What a command changed of things that were there before: {"noun key": {"field": [before, after]}}.
alter table commands add column changes json;
