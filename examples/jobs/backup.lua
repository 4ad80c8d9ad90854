-- The nightly backup: wakes somebody when it fails, is ended when it hangs, and
-- still runs when the machine was down at half past two.
return {
  name = "Backup",
  description = "Dumps the shop's database",
  command = { "pg_dump", "--file", "/backup/shop.sql", "shop" },
  schedule = "30 2 * * *",
  timezone = "Europe/Berlin", -- where the shop's nights are, whatever the machine's clock shows
  catchUp = "4h",
  timeout = "2h",
  warnIfNotFinishedAfterSeconds = "45m",
  killGrace = "1m",
  nice = 10,
  customData = { critical = true },
}
