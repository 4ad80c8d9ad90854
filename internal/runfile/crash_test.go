package runfile

func playRole(role string) {}
