package luaapi

import (
	"math"
	"sync"

	lua "github.com/yuin/gopher-lua"

	"slavedriver/engine"
)

// storeFields declares the keys of the table form of setLockStore, and is the
// only place that does. What they mean together is CheckStore's.
var storeFields = sync.OnceValue(func() *fieldSet[engine.LockStore] {
	return newFields("key",
		stored("url", line, func(l *engine.LockStore) *string { return &l.URL }, "", "none",
			"Where the store is, as a URL; the other keys say what it leaves out."),
		stored("hosts", hosts, func(l *engine.LockStore) *[]string { return &l.Hosts }, nil, "none",
			`A Redis server as "host" or "host:port"; a list of the sentinels, or of nodes of a cluster.`),
		stored("socket", folder, func(l *engine.LockStore) *string { return &l.Socket }, "", "none",
			"The path of a Redis server's socket, in place of hosts."),
		stored("folder", folder, func(l *engine.LockStore) *string { return &l.Folder }, "", "none",
			"A folder of this host that its slaves share, in place of a Redis server."),
		stored("master", line, func(l *engine.LockStore) *string { return &l.Master }, "", "none",
			"What the sentinels call the server; hosts are sentinels then."),
		stored("cluster", flag, func(l *engine.LockStore) *bool { return &l.Cluster }, false, "false",
			"Whether hosts are nodes of a Redis Cluster."),
		stored("db", whole(0, math.MaxInt32), func(l *engine.LockStore) *int { return &l.DB }, 0, "0",
			"The number of the database."),
		stored("user", line, func(l *engine.LockStore) *string { return &l.User }, "", "the default user",
			"The user of the Redis server."),
		stored("password", secret, func(l *engine.LockStore) *string { return &l.Password }, "", "$SLAVEDRIVER_REDIS_PASSWORD",
			"The password of the Redis server."),
		stored("sentinelUser", line, func(l *engine.LockStore) *string { return &l.SentinelUser }, "", "the default user",
			"The user of the sentinels."),
		stored("sentinelPassword", secret, func(l *engine.LockStore) *string { return &l.SentinelPassword }, "", "$SLAVEDRIVER_SENTINEL_PASSWORD",
			"The password of the sentinels."),
		stored("tls", flag, func(l *engine.LockStore) *bool { return &l.TLS }, false, "true with any of the following, else false",
			"Whether connections are encrypted, and the servers' certificates checked."),
		stored("ca", folder, func(l *engine.LockStore) *string { return &l.CA }, "", "the system's",
			"The file with the authorities that may vouch for the servers."),
		stored("cert", folder, func(l *engine.LockStore) *string { return &l.Cert }, "", "none",
			"The file with the certificate of this client."),
		stored("key", folder, func(l *engine.LockStore) *string { return &l.Key }, "", "none",
			"The file with the key of that certificate."),
		stored("serverName", line, func(l *engine.LockStore) *string { return &l.ServerName }, "", "the host",
			"The name that the servers' certificates are for."),
	)
})

// hosts is one or several; what a host looks like is CheckStore's.
var hosts = kind[[]string]{"string or list of strings",
	func(at site, v lua.LValue) ([]string, error) {
		if _, ok := v.(lua.LString); ok {
			one, err := line.decode(at, v)
			return []string{one}, err
		}
		list, err := toStrings(v, func(v lua.LValue) (string, error) { return line.decode(at, v) })
		if err == nil && len(list) == 0 {
			err = wrong("must name at least one host")
		}
		return list, err
	}, fromStrings,
}

// secret is a text that is not shown and not given back.
var secret = kind[string]{"string",
	func(_ site, v lua.LValue) (string, error) {
		if _, ok := v.(lua.LString); !ok {
			return "", wrong("must be a string, not %s", article(v.Type().String()))
		}
		return toText(v)
	},
	func(string) lua.LValue { return lua.LNil },
}

func lockStoreSetting() field[Script] {
	return field[Script]{
		name: "lockStore", typ: "string or table", def: `"file"`,
		doc:   "Where leases are kept: \"file\", or the URL of a store that the slaves share, or a table that says where it is.",
		set:   setLockStore,
		unset: func(s *Script) { s.store = engine.LockStore{} },
	}
}

// setLockStore leaves what a store may be to CheckStore: it is the stores' own.
func setLockStore(at site, s *Script, v lua.LValue) (err error) {
	var store engine.LockStore
	switch v.(type) {
	case *lua.LTable:
		if err = storeFields().read(at, v, &store); err == nil && !store.Set() {
			err = wrong("does not say where the store is").hinting("give it a `url`, `hosts`, a `socket` or a `folder`")
		}
	default:
		store.URL, err = line.decode(at, v)
	}
	if err == nil && s.o.CheckStore != nil {
		err = s.o.CheckStore(store)
	}
	s.store, s.storeAt = store, at.position()
	return err
}

// lockStore is the entry file's, or the environment's.
func (s *Script) lockStore() engine.LockStore {
	if s.store.Set() {
		return s.store
	}
	return engine.LockStore{URL: s.getenv("SLAVEDRIVER_LOCK_STORE")}
}
