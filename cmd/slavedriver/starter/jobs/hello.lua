-- A job. A file in this folder returns one, or a list of them; one whose name
-- begins with _ is left alone.
return {
  name = "Hello",
  description = "Says hello every minute, until there is something better to do",
  command = "echo hello from $SLAVEDRIVER_JOB", -- a string is for the shell; a list needs no quoting
  schedule = "* * * * *", -- minute, hour, day of month, month, day of week
  timeout = "30s",
}
