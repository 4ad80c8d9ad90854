-- What the entry file does, tried out before it is deployed: slavedriver test
-- Nothing is executed here, and hours pass in an instant.
local t = require("slavedriver.test")

t.case("hello is said every minute", function()
  local w = t.world({ file = "slavedriver.lua", now = "2026-03-02 12:00", zone = "Europe/London" })
  w:command("Hello"):exits(0):after("1s"):prints("hello from Hello\n")
  w:advance("1h")
  t.equal(#w:runs("Hello"), 60)
  t.match(w:runs("Hello")[1].stdout, "hello")
end)
