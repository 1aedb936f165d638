package main

import (
	"context"
	"fmt"

	"github.com/go-kratos/kratos/v2/registry"
	"github.com/zeromicro/go-zero/core/discov"
)

// goZero publishes through go-zero's own discov: one key for each registration, whose last part is the
// lease, and whose value is an address.
type goZero struct {
	server     string
	publishers map[string]*discov.Publisher
}

func newGoZero(opts options) (registrar, error) {
	return &goZero{opts.server, map[string]*discov.Publisher{}}, nil
}

func (g *goZero) register(_ context.Context, instance *registry.ServiceInstance) error {
	if len(instance.Endpoints) != 1 {
		return fmt.Errorf("go-zero publishes one address, not %d", len(instance.Endpoints))
	}
	key := instance.Name + "/" + instance.ID
	publisher := discov.NewPublisher([]string{g.server}, instance.Name, instance.Endpoints[0])
	if err := publisher.KeepAlive(); err != nil {
		return err
	}
	if before, known := g.publishers[key]; known {
		before.Stop()
	}
	g.publishers[key] = publisher
	return nil
}

func (g *goZero) deregister(_ context.Context, instance *registry.ServiceInstance) error {
	key := instance.Name + "/" + instance.ID
	if publisher, known := g.publishers[key]; known {
		publisher.Stop()
		delete(g.publishers, key)
	}
	return nil
}

func watchGoZero(ctx context.Context, opts options, shown func([]*registry.ServiceInstance), _ func(error)) error {
	subscriber, err := discov.NewSubscriber([]string{opts.server}, opts.service)
	if err != nil {
		return err
	}
	show := func() {
		instances := []*registry.ServiceInstance{}
		for _, address := range subscriber.Values() {
			instances = append(instances, &registry.ServiceInstance{Name: opts.service, Endpoints: []string{address}})
		}
		shown(instances)
	}
	subscriber.AddListener(show)
	show()
	<-ctx.Done()
	return nil
}
