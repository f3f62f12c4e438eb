-- Documents that evidence comes as, and invoices that were taken back. The files are kept elsewhere.

create table documents (
  sha256       text not null check (sha256 ~ '^[0-9a-f]{64}$'),
  organisation text not null,                     -- who uploaded it; another that uploads the same has a row of its own
  type         text not null check (type in ('pdf', 'png', 'jpeg', 'ofd', 'xml')),
  bytes        bigint not null check (bytes > 0),
  person       text not null,
  uploaded_at  timestamptz(3) not null,           -- last
  named        boolean not null default false,    -- something rests on it: it stays
  primary key (sha256, organisation)
);
create index documents_unnamed on documents (uploaded_at) where not named;

-- What an organisation has uploaded on a day; a row, so that two uploads at once cannot both be the last that fits.
create table document_days (
  organisation text not null,
  day          date not null,
  bytes        bigint not null check (bytes > 0),
  primary key (organisation, day)
);

-- Invoices of this order that were found to be red-flushed 红冲; null: none.
alter table orders add column red_invoices text[];
-- By what evidence an order has: empty as long as claims come without.
create index orders_evidence on orders using gin (evidence jsonb_path_ops) where evidence is not null;
-- By the results of a delivery.
create index orders_results on orders using gin ((dossier -> 'results') jsonb_path_ops) where dossier ? 'results';
