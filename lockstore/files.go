package lockstore

import "slavedriver/engine"

// CheckFiles says why the files of certificates that a valid store names cannot be
// used now, by this user; nil: they can, or there are none. It connects to nothing.
func CheckFiles(cfg engine.LockStore) error {
	a, err := parse(cfg)
	if err != nil {
		return err
	}
	if !a.TLS {
		return nil
	}
	_, err = tlsConfig(a)
	return err
}
