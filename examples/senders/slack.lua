-- Alerts to Slack, by an incoming webhook:
--
--   slavedriver.alert({ after = 3, every = "1h", send = require("senders.slack")({ url = secret.env("SLACK_WEBHOOK") }) })
--
-- url is the webhook's; icons may be changed: { failing = ":fire:", recovered = ":sun:" }.
local http = require("slavedriver.http")
local text = require("slavedriver.text")
local options = require("senders.options")

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

local known = { url = options.url, icons = options.table({ failing = options.text, recovered = options.text }) }

return options.sender("slack", {}, known, function(given)
  local icons = { failing = ":red_circle:", recovered = ":large_green_circle:" }
  for kind, icon in pairs(given.icons or {}) do
    icons[kind] = icon
  end
  return function(alert)
    local url = options.secret("slack", given, "url")
    local head = icons[alert.kind] .. " *" .. escape(alert.text) .. "* on " .. escape(alert.slave)
    local blocks = { { type = "section", text = { type = "mrkdwn", text = tail(head) } } }
    if alert.kind == "failing" and alert.output ~= "" then
      local output = tail(escape((text.replace(alert.output, "```", "'''"))))
      table.insert(blocks, { type = "section", text = { type = "mrkdwn", text = "```\n" .. output .. "\n```" } })
    end
    assert(http.post(url, { json = { text = escape(alert.text), blocks = blocks }, outbox = true }))
  end
end, "url")
