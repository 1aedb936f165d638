package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-kratos/kratos/v2/registry"
)

// kratosConsul writes and reads as Kratos's contrib/registry/consul v2 does with its health check off: a
// service whose tagged addresses hold one URL for each scheme, and a TTL check that it passes.
type kratosConsul struct {
	server     string
	ttlSeconds int64
	beats      map[string]context.CancelFunc
	mutex      sync.Mutex
}

type consulAddress struct {
	Address string
	Port    int
}

type consulCheck struct {
	CheckID                        string
	TTL                            string
	DeregisterCriticalServiceAfter string
}

type consulService struct {
	ID              string
	Name            string
	Tags            []string
	Meta            map[string]string
	Port            int
	Address         string
	TaggedAddresses map[string]consulAddress
	Checks          []consulCheck
}

func consulCall(ctx context.Context, server, method, where string, body any, answer any) (index string, err error) {
	var content io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return "", err
		}
		content = bytes.NewReader(text)
	}
	request, err := http.NewRequestWithContext(ctx, method, "http://"+server+where, content)
	if err != nil {
		return "", err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return "", err
	}
	if response.StatusCode != http.StatusOK {
		return "", fmt.Errorf("%s %s: %d %s", method, where, response.StatusCode, text)
	}
	if answer != nil {
		err = json.Unmarshal(text, answer)
	}
	return response.Header.Get("X-Consul-Index"), err
}

func newKratosConsul(opts options) (registrar, error) {
	return &kratosConsul{
		server:     opts.server,
		ttlSeconds: orDefault(opts.ttlSeconds, 20),
		beats:      map[string]context.CancelFunc{},
	}, nil
}

func (k *kratosConsul) register(ctx context.Context, instance *registry.ServiceInstance) error {
	service := consulService{
		ID:              instance.ID,
		Name:            instance.Name,
		Tags:            []string{"version=" + instance.Version},
		Meta:            instance.Metadata,
		TaggedAddresses: map[string]consulAddress{},
		Checks: []consulCheck{{
			CheckID:                        "service:" + instance.ID,
			TTL:                            fmt.Sprintf("%ds", k.ttlSeconds),
			DeregisterCriticalServiceAfter: "600s",
		}},
	}
	for _, endpoint := range instance.Endpoints {
		raw, err := url.Parse(endpoint)
		if err != nil {
			return err
		}
		port, _ := strconv.Atoi(raw.Port())
		service.TaggedAddresses[raw.Scheme] = consulAddress{Address: endpoint, Port: port}
		if service.Address == "" {
			service.Address, service.Port = raw.Hostname(), port
		}
	}
	if _, err := consulCall(ctx, k.server, http.MethodPut, "/v1/agent/service/register", service, nil); err != nil {
		return err
	}
	if err := k.pass(ctx, instance.ID); err != nil {
		return err
	}
	beating, cancel := context.WithCancel(context.Background())
	k.mutex.Lock()
	if before, known := k.beats[instance.ID]; known {
		before()
	}
	k.beats[instance.ID] = cancel
	k.mutex.Unlock()
	go k.heartbeat(beating, service)
	return nil
}

func (k *kratosConsul) pass(ctx context.Context, id string) error {
	_, err := consulCall(ctx, k.server, http.MethodPut, "/v1/agent/check/pass/"+url.PathEscape("service:"+id), nil, nil)
	return err
}

// heartbeat passes the check every third of the ttl, and registers again after any failure.
func (k *kratosConsul) heartbeat(ctx context.Context, service consulService) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Duration(k.ttlSeconds) * time.Second / 3):
		}
		if k.pass(ctx, service.ID) != nil && ctx.Err() == nil {
			_, _ = consulCall(ctx, k.server, http.MethodPut, "/v1/agent/service/register", service, nil)
			_ = k.pass(ctx, service.ID)
		}
	}
}

func (k *kratosConsul) deregister(ctx context.Context, instance *registry.ServiceInstance) error {
	k.mutex.Lock()
	if cancel, known := k.beats[instance.ID]; known {
		cancel()
		delete(k.beats, instance.ID)
	}
	k.mutex.Unlock()
	_, err := consulCall(ctx, k.server, http.MethodPut, "/v1/agent/service/deregister/"+url.PathEscape(instance.ID), nil, nil)
	return err
}

func watchKratosConsul(ctx context.Context, opts options, shown func([]*registry.ServiceInstance), failed func(error)) error {
	index := "0"
	for ctx.Err() == nil {
		var entries []struct{ Service agentService }
		where := "/v1/health/service/" + url.PathEscape(opts.service) + "?passing=1&wait=55s&index=" + index
		asking, cancel := context.WithTimeout(ctx, 10*time.Second)
		next, err := consulCall(asking, opts.server, http.MethodGet, where, nil, &entries)
		late := asking.Err() != nil
		cancel()
		if err != nil {
			if !late && ctx.Err() == nil {
				failed(err)
			}
		} else if next != index {
			index = next
			// Kratos gives no view of a service that has become empty
			if len(entries) != 0 {
				instances := []*registry.ServiceInstance{}
				for _, entry := range entries {
					instances = append(instances, entry.Service.instance())
				}
				shown(instances)
			}
		}
		time.Sleep(time.Second)
	}
	return nil
}

// agentService is a service as Consul's health endpoint lists it.
type agentService struct {
	ID              string
	Service         string
	Tags            []string
	Meta            map[string]string
	Port            int
	Address         string
	TaggedAddresses map[string]consulAddress
}

func (s agentService) instance() *registry.ServiceInstance {
	version := ""
	for _, tag := range s.Tags {
		if name, value, found := strings.Cut(tag, "="); found && name == "version" {
			version = value
		}
	}
	endpoints := []string{}
	for scheme, address := range s.TaggedAddresses {
		if scheme == "lan_ipv4" || scheme == "wan_ipv4" || scheme == "lan_ipv6" || scheme == "wan_ipv6" {
			continue
		}
		endpoints = append(endpoints, address.Address)
	}
	if len(endpoints) == 0 && s.Address != "" && s.Port != 0 {
		endpoints = append(endpoints, fmt.Sprintf("http://%s:%d", s.Address, s.Port))
	}
	return &registry.ServiceInstance{ID: s.ID, Name: s.Service, Version: version, Metadata: s.Meta, Endpoints: endpoints}
}
