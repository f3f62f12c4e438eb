-- Payments by the day of the claim, which says how many days of any calendar they took.
alter table report_waits add column claimed_on date;
update report_waits set claimed_on = day - days;
alter table report_waits drop column days, alter column claimed_on set not null,
  add primary key (passed, day, book, claimed_on);
