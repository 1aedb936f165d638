package main

import (
	"context"
	"encoding/json"
	"errors"
	"path"
	"time"

	"github.com/go-kratos/kratos/v2/registry"
	"github.com/go-zookeeper/zk"
)

// kratosZooKeeper writes and reads as Kratos's contrib/registry/zookeeper v2 does, over the same client:
// persistent empty parents, an ephemeral node that a new registration deletes and creates again, and a
// reader that watches children only.
type kratosZooKeeper struct {
	conn      *zk.Conn
	namespace string
}

type quiet struct{}

func (quiet) Printf(string, ...any) {}

func zooKeeper(opts options) (*zk.Conn, error) {
	conn, _, err := zk.Connect(
		[]string{opts.server},
		time.Duration(orDefault(opts.ttlSeconds, 10))*time.Second,
		zk.WithLogger(quiet{}),
	)
	return conn, err
}

func newKratosZooKeeper(opts options) (registrar, error) {
	conn, err := zooKeeper(opts)
	if err != nil {
		return nil, err
	}
	return &kratosZooKeeper{conn, orDefault(opts.namespace, "/microservices")}, nil
}

func (k *kratosZooKeeper) ensure(node string, data []byte, flags int32) error {
	there, stat, err := k.conn.Exists(node)
	if err != nil {
		return err
	}
	if there && flags&zk.FlagEphemeral != 0 {
		if err := k.conn.Delete(node, stat.Version); err != nil && !errors.Is(err, zk.ErrNoNode) {
			return err
		}
		there = false
	}
	if there {
		return nil
	}
	_, err = k.conn.Create(node, data, flags, zk.WorldACL(zk.PermAll))
	return err
}

func (k *kratosZooKeeper) register(_ context.Context, instance *registry.ServiceInstance) error {
	value, err := json.Marshal(instance)
	if err != nil {
		return err
	}
	service := path.Join(k.namespace, instance.Name)
	for _, node := range []string{k.namespace, service} {
		if err := k.ensure(node, []byte(""), 0); err != nil {
			return err
		}
	}
	node := path.Join(service, instance.ID)
	if err := k.ensure(node, value, zk.FlagEphemeral); err != nil {
		return err
	}
	go k.reRegister(node, value)
	return nil
}

// reRegister polls the session each second, and registers again after it changed; one failure ends it.
func (k *kratosZooKeeper) reRegister(node string, value []byte) {
	session := k.conn.SessionID()
	for range time.Tick(time.Second) {
		now := k.conn.SessionID()
		if now <= 0 || now == session {
			continue
		}
		if err := k.ensure(path.Dir(node), []byte(""), 0); err != nil {
			return
		}
		if err := k.ensure(node, value, zk.FlagEphemeral); err != nil {
			return
		}
		session = now
	}
}

func (k *kratosZooKeeper) deregister(_ context.Context, instance *registry.ServiceInstance) error {
	err := k.conn.Delete(path.Join(k.namespace, instance.Name, instance.ID), -1)
	if errors.Is(err, zk.ErrNoNode) {
		return nil
	}
	return err
}

func watchKratosZooKeeper(ctx context.Context, opts options, shown func([]*registry.ServiceInstance), failed func(error)) error {
	conn, err := zooKeeper(opts)
	if err != nil {
		return err
	}
	defer conn.Close()
	service := path.Join(orDefault(opts.namespace, "/microservices"), opts.service)
	for ctx.Err() == nil {
		children, _, changed, err := conn.ChildrenW(service)
		if errors.Is(err, zk.ErrNoNode) {
			// Kratos fails here, and its user asks again
			shown(nil)
			time.Sleep(200 * time.Millisecond)
			continue
		}
		if err != nil {
			failed(err)
			time.Sleep(200 * time.Millisecond)
			continue
		}
		if instances, err := readAll(conn, service, children, opts.service); err != nil {
			failed(err)
		} else {
			shown(instances)
		}
		select {
		case <-changed:
		case <-ctx.Done():
		}
	}
	return nil
}

func readAll(conn *zk.Conn, service string, children []string, name string) ([]*registry.ServiceInstance, error) {
	instances := []*registry.ServiceInstance{}
	for _, child := range children {
		data, _, err := conn.Get(path.Join(service, child))
		if err != nil {
			return nil, err
		}
		instance := &registry.ServiceInstance{}
		if err := json.Unmarshal(data, instance); err != nil {
			return nil, err
		}
		if instance.Name == name {
			instances = append(instances, instance)
		}
	}
	return instances, nil
}
