package main

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
)

// A gRPC service config. connect-go does not read it: the interceptor does what it says.
type serviceConfig struct {
	MethodConfig []methodConfig
}

type methodConfig struct {
	Name        []struct{ Service, Method string }
	Timeout     string
	RetryPolicy *struct {
		MaxAttempts          int
		InitialBackoff       string
		MaxBackoff           string
		BackoffMultiplier    float64
		RetryableStatusCodes []string
	}
}

// retrying returns the interceptor for a policy. Streams pass it unchanged.
func retrying(file string) (connect.Interceptor, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var config serviceConfig
	if err := json.Unmarshal(text, &config); err != nil {
		return nil, err
	}
	methods := map[string]methodConfig{}
	for _, entry := range config.MethodConfig {
		for _, name := range entry.Name {
			methods["/"+name.Service+"/"+name.Method] = entry
		}
	}
	return connect.UnaryInterceptorFunc(func(next connect.UnaryFunc) connect.UnaryFunc {
		return func(ctx context.Context, request connect.AnyRequest) (connect.AnyResponse, error) {
			return call(ctx, methods[request.Spec().Procedure], request, next)
		}
	}), nil
}

func call(ctx context.Context, method methodConfig, request connect.AnyRequest, next connect.UnaryFunc) (connect.AnyResponse, error) {
	if timeout, err := time.ParseDuration(method.Timeout); err == nil {
		// A deadline of the caller that is earlier counts.
		limited, cancel := context.WithTimeout(ctx, timeout)
		defer cancel()
		ctx = limited
	}
	for attempt := 1; ; attempt++ {
		response, err := next(ctx, request)
		if err == nil {
			return response, nil
		}
		delay, helps := method.delay(ctx, attempt, err)
		if !helps {
			return nil, err
		}
		select {
		case <-time.After(delay):
		case <-ctx.Done():
			return nil, err
		}
	}
}

// delay returns how long to wait before the next attempt, and whether it may help.
func (m methodConfig) delay(ctx context.Context, attempt int, err error) (time.Duration, bool) {
	policy, code := m.RetryPolicy, connect.CodeOf(err)
	if isBroken(ctx, err) {
		code = connect.CodeUnavailable
	}
	if policy == nil || attempt >= policy.MaxAttempts ||
		!slices.Contains(policy.RetryableStatusCodes, strings.ToUpper(code.String())) {
		return 0, false
	}
	if asked := detail[*errdetails.RetryInfo](err).GetRetryDelay(); asked != nil {
		// Rounded up: a retry that is a moment too early is refused again.
		return asked.AsDuration() + time.Millisecond, true
	}
	// Without a delay, RESOURCE_EXHAUSTED is a quota, not a rate.
	if code != connect.CodeUnavailable {
		return 0, false
	}
	first, _ := time.ParseDuration(policy.InitialBackoff)
	longest, _ := time.ParseDuration(policy.MaxBackoff)
	backoff := float64(first) * math.Pow(policy.BackoffMultiplier, float64(attempt-1))
	return time.Duration(min(backoff, float64(longest)) * (0.8 + 0.4*rand.Float64())), true
}

// isBroken says whether the server cannot be reached, or asks to be called later. connect-go makes
// CANCELED of a connection that was reset, as of a context that the caller cancelled, and INTERNAL
// or UNKNOWN of one that ended within a response.
func isBroken(ctx context.Context, err error) bool {
	switch connect.CodeOf(err) {
	case connect.CodeUnavailable:
		return true
	case connect.CodeCanceled, connect.CodeInternal, connect.CodeUnknown:
		return ctx.Err() == nil && reason(err) == ""
	default:
		return false
	}
}

// detail returns the first detail of a type, or nil.
func detail[T any](err error) (found T) {
	var failed *connect.Error
	if errors.As(err, &failed) {
		for _, detail := range failed.Details() {
			value, _ := detail.Value()
			if value, ok := value.(T); ok {
				return value
			}
		}
	}
	return found
}

// reason is such as CONTACT_NOT_FOUND; empty if no service has answered.
func reason(err error) string {
	return detail[*errdetails.ErrorInfo](err).GetReason()
}
