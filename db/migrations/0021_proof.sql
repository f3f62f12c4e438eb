-- Proof 存证: every book's log is an RFC 6962 tree. Its leaves are computed from the log itself (log_leaves); what is
-- kept here is what was once sealed, so that the log can be held against it.

-- Hides what a leaf only commits to: without it a short text behind a hash could be guessed. Given to auditors only.
create table log_salts (
  book integer primary key,
  salt bytea not null check (length(salt) = 32)
);

-- Full tiles as C2SP tlog-tiles has them: 256 hashes; level 0 are those of leaves. Partial ones follow from the log.
create table log_tiles (
  book   integer not null,
  level  smallint not null check (level >= 0),
  tile   bigint not null check (tile >= 0),
  hashes bytea not null check (length(hashes) = 8192),
  primary key (book, level, tile)
);
alter table log_tiles alter column hashes set storage external;  -- hashes cannot be compressed

-- Signed heads of a log: all of the last hour, and the last of every day.
create table log_checkpoints (
  book      integer not null,
  size      bigint not null check (size > 0),     -- commands 1 to size are in it
  root      bytea not null check (length(root) = 32),
  day       date not null,                        -- Asia/Shanghai date of signed_at
  signed_at timestamptz(3) not null,
  note      text not null,                        -- as it is published
  replaced  boolean not null default false,       -- there is a later one of the same day
  primary key (book, size)
) with (fillfactor = 80);
create index log_checkpoints_replaced on log_checkpoints (book, signed_at) where replaced;
