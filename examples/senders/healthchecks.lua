-- A ping at the start, the success and the failure of a job, as healthchecks.io and what
-- is like it take them: they say when nothing came, which nobody else can.
--
--   require("senders.healthchecks")({ job = "Backup", url = secret.env("BACKUP_PING_URL") })
--
-- url is the check's ping URL; the end of the output comes with the last ping. All
-- options of attach may be given. A run that is tried again is pinged at its end.
local slavedriver = require("slavedriver")
local http = require("slavedriver.http")
local log = require("slavedriver.log")

local most = 100000 -- bytes of a ping's body

return function(options)
  assert(options.job, "senders.healthchecks needs { job =, url = }")
  if not options.url then -- a secret that is missing must not keep the jobs from running
    log.error("senders.healthchecks has no url: nothing is pinged about " .. options.job)
    return
  end
  local url = (options.url:gsub("/+$", ""))
  local function ping(to, body)
    assert(http.post(to, {
      body = body, headers = { ["Content-Type"] = "text/plain" },
      outbox = true, order = "ping " .. options.job, -- a start that comes after its end would count as hanging
    }))
  end
  local filter = { job = options.job, tags = options.tags, priority = options.priority, timeout = options.timeout }
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
end
