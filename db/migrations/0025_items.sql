-- What a period may take 清算项目: approvals and claw-backs, of their payees, by the agreement in force on their day.
-- Positive: owed to the payee; negative: to come back. Fen.
create view settlement_items as
  select c.book, c.seq, c.day, a.owner as payee, a.province as payee_province,
         case when t.type = 4 then t.amount else -t.amount end as amount, g.agreement,
         coalesce(g.group_name, 'region') as group_name
  from commands c
  join transfers t on t.book = c.book and t.entry = c.entry and ((t.type = 4 and t.phase = 2) or t.type in (5, 6))
  join accounts a on a.book = t.book and a.account = case when t.type = 4 then t.credit else t.debit end
  left join clearing_agreements g
    on g.one = least(t.book / 10000 * 10000, a.province) and g.other = greatest(t.book / 10000 * 10000, a.province)
    and cardinality(g.signed) = 2 and c.day between g.valid_from and least(g.valid_to, g.ended)
    and (g.covers = 'tree' or t.book % 10000 = 0)
  where c.kind in ('approve_claim', 'claw_back');
