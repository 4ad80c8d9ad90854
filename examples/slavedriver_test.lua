-- What the setup of this folder does, proved before it is deployed:
--
--   slavedriver test
--
-- Nothing is executed, and six hours pass in an instant. docs/testing.md says
-- what else a test can imagine.
local t = require("slavedriver.test")

-- In the night in which the clocks go forward, with nobody there but the pager.
local function night()
  return t.world({
    file = "slavedriver.lua",
    slave = "db1",
    now = "2026-03-29 00:55",
    zone = "Europe/London",
    env = { PAGERDUTY_ROUTING_KEY = "R0123456789" },
  })
end

t.case("a failing backup wakes somebody once", function()
  local w = night()
  w:command("Backup"):exits(1):after("5m"):prints("disk full\n")
  w:http("https://events.pagerduty.com/*"):replies(202)
  w:advance("6h")
  t.equal(#w:runs("Backup"), 1)
  t.equal(#w:requests("https://events.pagerduty.com/*"), 1)
  t.match(w:requests()[1].body, "disk full")
end)

t.case("somebody is woken once the network is back", function()
  local w = night()
  w:command("Backup"):exits(1)
  w:http("https://events.pagerduty.com/*"):fails("no route to host")
  w:advance("1h")
  t.is_true(#w:requests() > 1, "tries")
  w:http("https://events.pagerduty.com/*"):replies(202)
  w:advance("6h")
  local sent = #w:requests()
  w:advance("1d")
  t.equal(#w:requests(), sent + 1, "one for the next night's failure")
end)

t.case("a backup that goes well wakes nobody", function()
  local w = night()
  w:command("Backup"):exits(0):after("40m")
  w:advance("6h")
  t.equal(w:runs("Backup")[1].exitCode, 0)
  t.equal(w:requests(), {})
end)
