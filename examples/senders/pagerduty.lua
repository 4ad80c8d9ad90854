-- Alerts to PagerDuty, by an integration of the kind "Events API v2": an incident is
-- triggered when a job fails, and resolved when it recovers.
--
--   slavedriver.alert({ after = 3, every = "1h", send = require("senders.pagerduty")({ key = secret.env("PAGERDUTY_KEY") }) })
--
-- key is the integration's; severity is "critical" (the default), "error", "warning" or
-- "info", or a function (alert) that returns one of these.
local http = require("slavedriver.http")
local log = require("slavedriver.log")

local severities = { critical = true, error = true, warning = true, info = true }

-- cut keeps so many bytes at the most, and no half of a character.
local function cut(s, most)
  if #s <= most then
    return s
  end
  return (s:sub(1, most):gsub("[\192-\255]?[\128-\191]*$", ""))
end

return function(options)
  if not options.key then -- a secret that is missing must not keep the jobs from running
    log.error("senders.pagerduty has no key: alerts to PagerDuty will fail")
  end
  local url = options.url or "https://events.pagerduty.com/v2/enqueue"
  return function(alert)
    local message = { routing_key = assert(options.key, "senders.pagerduty has no key"), dedup_key = cut(alert.id, 255), event_action = "resolve" }
    if alert.kind == "failing" then
      local severity = options.severity or "critical"
      if type(severity) == "function" then
        severity = severity(alert)
      end
      assert(severities[severity], "senders.pagerduty: there is no severity " .. tostring(severity))
      message.event_action = "trigger"
      message.payload = {
        summary = cut(alert.text, 1024), source = alert.slave, severity = severity, component = alert.job.name,
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
end
