-- Alerts to PagerDuty, by an integration of the kind "Events API v2": an incident is
-- triggered when a job fails, and resolved when it recovers.
--
--   slavedriver.alert({ after = 3, every = "1h", send = require("senders.pagerduty")({ key = secret.env("PAGERDUTY_KEY") }) })
--
-- key is the integration's; severity is "critical" (the default), "error", "warning" or
-- "info", or a function (alert) that returns one of these.
local http = require("slavedriver.http")
local options = require("senders.options")

local severity = options.choice("critical", "error", "warning", "info")
local known = {
  key = options.text, url = options.url,
  severity = function(v)
    return type(v) ~= "function" and severity(v) or nil
  end,
}

-- cut keeps so many bytes at the most, and no half of a character.
local function cut(s, most)
  if #s <= most then
    return s
  end
  return (s:sub(1, most):gsub("[\192-\255]?[\128-\191]*$", ""))
end

return options.sender("pagerduty", {}, known, function(given)
  local url = given.url or "https://events.pagerduty.com/v2/enqueue"
  return function(alert)
    local message = { routing_key = options.secret("pagerduty", given, "key"), dedup_key = cut(alert.id, 255), event_action = "resolve" }
    if alert.kind == "failing" then
      local level = given.severity or "critical"
      if type(level) == "function" then
        level = level(alert)
        local wrong = severity(level)
        assert(not wrong, "senders.pagerduty: what the function `severity` returns " .. tostring(wrong))
      end
      message.event_action = "trigger"
      message.payload = {
        summary = cut(alert.text, 1024), source = alert.slave, severity = level, component = alert.job.name,
        timestamp = os.date("!%Y-%m-%dT%H:%M:%SZ", alert.time),
        custom_details = {
          run = alert.run and alert.run.id, failures = alert.failures, reason = alert.reason,
          failing_since = os.date("!%Y-%m-%dT%H:%M:%SZ", alert.since), output = alert.output,
        },
      }
    end
    -- In order: an incident that is resolved before it is triggered stays open.
    assert(http.post(url, { json = message, outbox = true, order = "pagerduty " .. message.dedup_key }))
  end
end, "key")
