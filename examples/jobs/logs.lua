-- Two jobs in one file: a file may return a list.
return {
  {
    name = "Rotate logs",
    description = "Compresses yesterday's logs and drops those of last month",
    command = [[
      find log -name '*.log' -mtime +0 -exec gzip -- {} +
      find log -name '*.log.gz' -mtime +30 -delete
    ]],
    schedule = "5 0 * * *",
    workingDirectory = "..",
    umask = "027",
    limits = { cpuTime = "10m" },
  },
  {
    name = "Check the disk",
    command = [[df -P / | awk 'NR == 2 && $5 + 0 > 90 { print "disk " $5 " full"; exit 1 }']],
    schedule = "*/15 * * * *",
    keepRuns = 96, -- a day's
  },
}
