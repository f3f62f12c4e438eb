-- Bank accounts 收付款账户 of firms, providers and bureaus. Numbers are sealed by the service before they come here.

alter type command_kind add value 'propose_account';
alter type command_kind add value 'confirm_account';
alter type command_kind add value 'revoke_account';
alter type command_kind add value 'reseal_account';

create table bank_accounts (
  account         bigint primary key,              -- the number of the region's command that proposed it
  owner           text not null,                   -- a jurisdiction's six digits, or a credit code
  after           bigint not null,                 -- the number that last wrote anything of the owner before
  version         bigint not null,                 -- the number of the region's command that last wrote it
  holder          text not null,
  registered_name text,                            -- when the holder is another one
  explanation     text,
  bank            text not null,
  bank_code       text not null check (bank_code ~ '^[0-9]{12}$'),
  sealed          text not null,                   -- the key's name, then nonce, tag and number under AES-256-GCM
  print           text not null,                   -- HMAC of the number: equal for equal numbers
  tail            text not null check (length(tail) = 4),
  state           text not null check (state in ('proposed', 'confirmed', 'revoked')),
  proposed_by     text not null,
  proposed_on     date not null,
  decided_by      text,
  decided_on      date,
  valid_from      date,                            -- the first day that payments use it
  notified        text,                            -- the contact on record before
  unique (owner, after),
  check ((state = 'confirmed') = (valid_from is not null)),
  check ((state = 'proposed') = (decided_by is null)),
  check ((decided_by is null) = (decided_on is null)),
  check (registered_name is null or explanation is not null)
);
create index bank_accounts_owner on bank_accounts (owner, account);
create index bank_accounts_print on bank_accounts (print);
create index bank_accounts_changes on bank_accounts (account) where state <> 'revoked';
