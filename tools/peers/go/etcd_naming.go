package main

import (
	"context"
	"fmt"
	"net/url"

	"github.com/go-kratos/kratos/v2/registry"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/client/v3/naming/endpoints"
	"go.etcd.io/etcd/client/v3/naming/resolver"
	grpcresolver "google.golang.org/grpc/resolver"
	"google.golang.org/grpc/serviceconfig"
)

// etcdNaming writes through etcd's endpoints manager, on one lease of this process.
type etcdNaming struct {
	client *clientv3.Client
	lease  clientv3.LeaseID
}

func newEtcdNaming(opts options) (registrar, error) {
	client, err := etcdClient(opts)
	if err != nil {
		return nil, err
	}
	lease, err := client.Grant(context.Background(), orDefault(opts.ttlSeconds, 10))
	if err != nil {
		return nil, err
	}
	answers, err := client.KeepAlive(context.Background(), lease.ID)
	if err != nil {
		return nil, err
	}
	go func() {
		for range answers {
		}
	}()
	return &etcdNaming{client, lease.ID}, nil
}

func (e *etcdNaming) register(ctx context.Context, instance *registry.ServiceInstance) error {
	if len(instance.Endpoints) != 1 {
		return fmt.Errorf("etcd naming holds one address for each key, not %d", len(instance.Endpoints))
	}
	manager, err := endpoints.NewManager(e.client, instance.Name)
	if err != nil {
		return err
	}
	endpoint := endpoints.Endpoint{Addr: instance.Endpoints[0]}
	if instance.Metadata != nil {
		endpoint.Metadata = instance.Metadata
	}
	return manager.AddEndpoint(ctx, instance.Name+"/"+instance.ID, endpoint, clientv3.WithLease(e.lease))
}

func (e *etcdNaming) deregister(ctx context.Context, instance *registry.ServiceInstance) error {
	manager, err := endpoints.NewManager(e.client, instance.Name)
	if err != nil {
		return err
	}
	return manager.DeleteEndpoint(ctx, instance.Name+"/"+instance.ID)
}

// connection stands for gRPC's: it is told the addresses of each view.
type connection struct {
	service string
	shown   func([]*registry.ServiceInstance)
	failed  func(error)
}

func (c connection) UpdateState(state grpcresolver.State) error {
	instances := []*registry.ServiceInstance{}
	for _, address := range state.Addresses {
		instances = append(instances, &registry.ServiceInstance{Name: c.service, Endpoints: []string{address.Addr}})
	}
	c.shown(instances)
	return nil
}

func (c connection) ReportError(err error)             { c.failed(err) }
func (c connection) NewAddress([]grpcresolver.Address) {}
func (c connection) NewServiceConfig(string)           {}
func (c connection) ParseServiceConfig(string) *serviceconfig.ParseResult {
	return &serviceconfig.ParseResult{}
}

func watchEtcdNaming(ctx context.Context, opts options, shown func([]*registry.ServiceInstance), failed func(error)) error {
	client, err := etcdClient(opts)
	if err != nil {
		return err
	}
	builder, err := resolver.NewBuilder(client)
	if err != nil {
		return err
	}
	target := grpcresolver.Target{URL: url.URL{Scheme: "etcd", Path: "/" + opts.service}}
	watching, err := builder.Build(target, connection{opts.service, shown, failed}, grpcresolver.BuildOptions{})
	if err != nil {
		return err
	}
	<-ctx.Done()
	watching.Close()
	return nil
}
