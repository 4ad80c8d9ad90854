-- The entry file: which jobs there are, and who hears of what. It is read anew
-- every minute, by this line of the crontab (crontab -e):
--
--   {{crontab}}
--
-- These ask, and start nothing:
--   slavedriver check slavedriver.lua           what is wrong with it
--   slavedriver list slavedriver.lua            the jobs, and when they start
-- These start jobs, for real, with handlers and alerts, as the crontab would:
--   slavedriver slavedriver.lua                 what is due in this minute
--   slavedriver --at TIME slavedriver.lua       what was due then, also a second time

---@type slavedriver
local slavedriver = require("slavedriver")

-- Whose jobs these are: a name for this project. Several machines that share
-- their jobs have the same; see "Several machines" in the README.
-- slavedriver:setNamespace("shop")

-- What holds for all jobs that do not say otherwise.
slavedriver:setDefaults({
  timeout = "1h", -- ended after that, with all its processes
  killGrace = "30s", -- from SIGTERM to SIGKILL
})

-- Called for every failure. What it prints is mailed by cron; put here whatever
-- reaches you. There are other events too: docs/reference.md.
slavedriver:attach("slavedriver.job.finished.error", function(job, params, event)
  local why = params.timedOut and "it took too long"
    or params.exitCode and ("exit code " .. params.exitCode)
    or params.reason
  print(job.name .. " failed: " .. why)
  print(event.run:output({ stream = "stderr", lastLines = 20 }))
end)

-- One job a file, or several, in a folder of their own.
slavedriver:addAllJobsInDirectory("jobs")

slavedriver:run()
