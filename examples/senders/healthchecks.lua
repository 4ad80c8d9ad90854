-- A ping at the start, the success and the failure of a job, as healthchecks.io and what
-- is like it take them: they say when nothing came, which nobody else can.
--
--   require("senders.healthchecks")({ job = "Backup", url = secret.env("BACKUP_PING_URL") })
--
-- url is the check's ping URL; the end of the output comes with the last ping. All
-- options of attach may be given. A run that is tried again is pinged at its end.
local slavedriver = require("slavedriver")
local http = require("slavedriver.http")
local options = require("senders.options")

local most = 100000 -- bytes of a ping's body

local known = {
  job = options.text, url = options.url,
  tags = options.any, priority = options.any, timeout = options.any,
}

return options.sender("healthchecks", { "job" }, known, function(given)
  local filter = { job = given.job, tags = given.tags, priority = given.priority, timeout = given.timeout }
  if not given.url then -- who waits for pings notices; of a failure, we say so too
    slavedriver:attach("slavedriver.job.finished.error", function()
      options.secret("healthchecks", given, "url")
    end, filter)
    return
  end
  local url = (given.url:gsub("/+$", ""))
  local function ping(to, body)
    assert(http.post(to, {
      body = body, headers = { ["Content-Type"] = "text/plain" },
      outbox = true, order = "ping " .. given.job, -- a start that comes after its end would count as hanging
    }))
  end
  slavedriver:attach("slavedriver.job.started", function(job, params, event)
    if event.run.attempt == 1 then
      ping(url .. "/start", event.run.id)
    end
  end, filter)
  slavedriver:attach("slavedriver.job.finished.success", function(job, params, event)
    ping(url, event.run:output({ maxBytes = most }))
  end, filter)
  slavedriver:attach("slavedriver.job.finished.error", function(job, params, event)
    local reason = params.reason or ("exit code " .. tostring(params.exitCode))
    ping(url .. "/fail", (reason .. "\n" .. event.run:output({ maxBytes = most })):sub(1, most))
  end, filter)
end, "url")
