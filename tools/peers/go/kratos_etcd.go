package main

import (
	"context"
	"encoding/json"
	"time"

	"github.com/go-kratos/kratos/v2/registry"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// kratosEtcd writes and reads as Kratos's contrib/registry/etcd v2 does, which cannot be had as a module:
// one lease for each registration, a put without a condition, a deregistration that deletes the key and
// leaves the lease, and a reader that reads the whole prefix again after every event and fails as a whole
// for one value that it cannot parse. The document is that of Kratos's core, registry.ServiceInstance.
type kratosEtcd struct {
	client     *clientv3.Client
	namespace  string
	ttlSeconds int64
	heartbeats map[string]context.CancelFunc
}

const kratosMaxRetry = 5

func newKratosEtcd(opts options) (registrar, error) {
	client, err := etcdClient(opts)
	if err != nil {
		return nil, err
	}
	return &kratosEtcd{
		client:     client,
		namespace:  orDefault(opts.namespace, "/microservices"),
		ttlSeconds: orDefault(opts.ttlSeconds, 15),
		heartbeats: map[string]context.CancelFunc{},
	}, nil
}

func (k *kratosEtcd) key(instance *registry.ServiceInstance) string {
	return k.namespace + "/" + instance.Name + "/" + instance.ID
}

func (k *kratosEtcd) register(ctx context.Context, instance *registry.ServiceInstance) error {
	key := k.key(instance)
	value, err := json.Marshal(instance)
	if err != nil {
		return err
	}
	k.stop(key)
	lease, err := k.put(ctx, key, string(value))
	if err != nil {
		return err
	}
	beating, cancel := context.WithCancel(context.Background())
	k.heartbeats[key] = cancel
	go k.heartbeat(beating, lease, key, string(value))
	return nil
}

func (k *kratosEtcd) deregister(ctx context.Context, instance *registry.ServiceInstance) error {
	k.stop(k.key(instance))
	_, err := k.client.Delete(ctx, k.key(instance))
	return err
}

func (k *kratosEtcd) stop(key string) {
	if cancel, beats := k.heartbeats[key]; beats {
		cancel()
		delete(k.heartbeats, key)
	}
}

func (k *kratosEtcd) put(ctx context.Context, key, value string) (clientv3.LeaseID, error) {
	lease, err := k.client.Grant(ctx, k.ttlSeconds)
	if err != nil {
		return 0, err
	}
	_, err = k.client.Put(ctx, key, value, clientv3.WithLease(lease.ID))
	return lease.ID, err
}

func (k *kratosEtcd) heartbeat(ctx context.Context, lease clientv3.LeaseID, key, value string) {
	answers, err := k.client.KeepAlive(ctx, lease)
	for {
		if err == nil && answers != nil {
			for range answers {
			}
		}
		// the lease is lost: at most five attempts of three seconds, then never again
		for attempt := 0; ; attempt++ {
			if ctx.Err() != nil || attempt == kratosMaxRetry {
				return
			}
			trying, cancel := context.WithTimeout(ctx, 3*time.Second)
			if lease, err = k.put(trying, key, value); err == nil {
				answers, err = k.client.KeepAlive(ctx, lease)
			}
			cancel()
			if err == nil {
				break
			}
			time.Sleep(time.Duration(1<<attempt) * time.Second)
		}
	}
}

func watchKratosEtcd(ctx context.Context, opts options, shown func([]*registry.ServiceInstance), failed func(error)) error {
	client, err := etcdClient(opts)
	if err != nil {
		return err
	}
	// without a slash at its end, so that a sibling whose name begins alike wakes the reader too
	prefix := orDefault(opts.namespace, "/microservices") + "/" + opts.service
	changes := client.Watch(clientv3.WithRequireLeader(ctx), prefix, clientv3.WithPrefix(), clientv3.WithRev(0), clientv3.WithKeysOnly())
	read := func() {
		answer, err := client.Get(ctx, prefix, clientv3.WithPrefix())
		if err != nil {
			failed(err)
			return
		}
		instances := make([]*registry.ServiceInstance, 0, len(answer.Kvs))
		for _, kv := range answer.Kvs {
			instance := &registry.ServiceInstance{}
			if err := json.Unmarshal(kv.Value, instance); err != nil {
				failed(err)
				return
			}
			if instance.Name == opts.service {
				instances = append(instances, instance)
			}
		}
		shown(instances)
	}
	read()
	for {
		answer, open := <-changes
		if ctx.Err() != nil {
			return nil
		}
		if !open || answer.Err() != nil {
			// Kratos makes its watch again after a pause, and reads once more
			time.Sleep(time.Second)
			changes = client.Watch(clientv3.WithRequireLeader(ctx), prefix, clientv3.WithPrefix(), clientv3.WithKeysOnly())
		}
		read()
	}
}
