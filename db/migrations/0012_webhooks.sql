-- Webhooks 事件推送: who wants to hear of what, how far each has heard, and what could not be delivered.

alter type command_kind add value 'create_webhook';
alter type command_kind add value 'pause_webhook';
alter type command_kind add value 'resume_webhook';
alter type command_kind add value 'rotate_webhook';
alter type command_kind add value 'end_webhook';
alter type command_kind add value 'disable_webhook';
alter type command_kind add value 'replay_webhook';

-- Written by the engine. A secret is not here: it is derived from the configured key and the number in `secret`.
create table webhooks (
  number       bigint primary key,                -- the number of the region's command that made it
  owner        text not null,                     -- a jurisdiction's six digits, or a credit code
  version      bigint not null,                   -- the number of the region's command that last wrote it
  url          text not null,
  kinds        text[],                            -- null: all that its owner may hear of
  state        text not null check (state in ('active', 'paused', 'disabled', 'ended')),
  reason       text,                              -- why it was disabled or ended
  secret       bigint not null,                   -- the number of the region's command that made its secret
  former       bigint,                            -- the same of the secret before
  former_until date,                              -- the last day on which that one still signs
  replays      jsonb not null,
  made_by      text not null,
  check ((former is null) = (former_until is null))
);
create index webhooks_owner on webhooks (owner, number);

-- Written by the process that delivers: up to where a webhook has heard of a book. Lane 0 follows the journal, every
-- other one is a replay, named by the number of the region's command that asked for it.
create table webhook_lanes (
  webhook       bigint not null,
  book          integer not null,
  lane          bigint not null,
  position      bigint not null check (position >= 0),
  until         bigint,                           -- of a replay: its last number
  attempts      integer not null default 0,       -- of the event after the position
  due           timestamptz(3),                   -- when that one is tried again
  failing_since timestamptz(3),
  error         text,
  primary key (webhook, book, lane)
);

-- What was tried for the last time and not delivered 死信.
create table webhook_letters (
  webhook  bigint not null,
  book     integer not null,
  seq      bigint not null,
  kind     text not null,
  error    text not null,
  given_up timestamptz(3) not null,
  primary key (webhook, book, seq)
);
