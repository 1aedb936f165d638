package main

import (
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
)

func etcdClient(opts options) (*clientv3.Client, error) {
	return clientv3.New(clientv3.Config{
		Endpoints:   []string{opts.server},
		DialTimeout: 5 * time.Second,
		Logger:      zap.NewNop(),
	})
}

func orDefault[T comparable](given, fallback T) T {
	var none T
	if given == none {
		return fallback
	}
	return given
}
