-- Alerts to Slack, by an incoming webhook:
--
--   slavedriver.alert({ after = 3, every = "1h", send = require("senders.slack")({ url = secret.env("SLACK_WEBHOOK") }) })
--
-- url is the webhook's; icons may be changed: { failing = ":fire:", recovered = ":sun:" }.
local http = require("slavedriver.http")
local log = require("slavedriver.log")
local text = require("slavedriver.text")

local longest = 2800 -- a section of a message holds 3000 characters

-- escape keeps what a job printed from being markup: <!channel> would wake everybody.
local function escape(s)
  s = text.replace(s, "&", "&amp;")
  s = text.replace(s, "<", "&lt;")
  return (text.replace(s, ">", "&gt;"))
end

-- tail is the end of what is escaped already, without half a line or entity.
local function tail(s)
  if #s <= longest then
    return s
  end
  s = s:sub(-longest)
  return "…\n" .. s:sub((s:find("[\n;]") or 0) + 1)
end

return function(options)
  if not options.url then -- a secret that is missing must not keep the jobs from running
    log.error("senders.slack has no url: alerts to Slack will fail")
  end
  local icons = options.icons or { failing = ":red_circle:", recovered = ":large_green_circle:" }
  return function(alert)
    local head = icons[alert.kind] .. " *" .. escape(alert.text) .. "* on " .. escape(alert.slave)
    local blocks = { { type = "section", text = { type = "mrkdwn", text = tail(head) } } }
    if alert.kind == "failing" and alert.output ~= "" then
      local output = tail(escape((text.replace(alert.output, "```", "'''"))))
      table.insert(blocks, { type = "section", text = { type = "mrkdwn", text = "```\n" .. output .. "\n```" } })
    end
    assert(http.post(assert(options.url, "senders.slack has no url"), { json = { text = escape(alert.text), blocks = blocks }, outbox = true }))
  end
end
