// What every client of the address book does, with grpc-go. Usage: grpc AUTH CONTACTS
package main

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"os"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	authv1 "addressbook.example.com/clients/gen/addressbook/auth/v1"
	contactsv1 "addressbook.example.com/clients/gen/addressbook/contacts/v1"
	"addressbook.example.com/clients/scenarios"
	"addressbook.example.com/clients/session"
)

type client struct {
	accounts authv1.AuthServiceClient
	account  authv1.AccountServiceClient
	// Its calls bring their own token.
	tokenless authv1.AccountServiceClient
	book      contactsv1.ContactsServiceClient
	impatient contactsv1.ContactsServiceClient
	session   *session.Session
}

func main() {
	scenarios.Run(connect)
}

func connect(auth, contacts string) (scenarios.Client, error) {
	policy, err := os.ReadFile(scenarios.Policy)
	if err != nil {
		return nil, err
	}
	c := &client{}
	dial := func(address string, options ...grpc.DialOption) *grpc.ClientConn {
		// A stream whose server has disappeared ends after both times.
		check := keepalive.ClientParameters{Time: 20 * time.Second, Timeout: 10 * time.Second}
		options = append(options, grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithKeepaliveParams(check))
		connection, dialErr := grpc.NewClient(address, options...)
		err = errors.Join(err, dialErr)
		return connection
	}
	retrying := grpc.WithDefaultServiceConfig(string(policy))
	authorizing := grpc.WithUnaryInterceptor(c.authorize)
	c.accounts = authv1.NewAuthServiceClient(dial(auth, retrying))
	c.tokenless = authv1.NewAccountServiceClient(dial(auth, retrying))
	c.account = authv1.NewAccountServiceClient(dial(auth, retrying, authorizing))
	c.book = contactsv1.NewContactsServiceClient(dial(contacts, retrying, authorizing))
	c.impatient = contactsv1.NewContactsServiceClient(dial(contacts, grpc.WithDisableRetry(), authorizing))
	return c, err
}

// detail returns the first detail of a type, or nil.
func detail[T any](err error) (found T) {
	for _, detail := range status.Convert(err).Details() {
		if detail, ok := detail.(T); ok {
			return detail
		}
	}
	return found
}

// reason is such as CONTACT_NOT_FOUND; empty if no service has answered.
func reason(err error) string {
	return detail[*errdetails.ErrorInfo](err).GetReason()
}

// isBroken says whether the server cannot be reached, or asks to be called later. A proxy that has
// lost the server resets the stream, which is CANCELED, as a context that the caller cancelled, or
// INTERNAL; UNKNOWN and INTERNAL are a response that ended without a status.
func isBroken(ctx context.Context, err error) bool {
	switch status.Code(err) {
	case codes.Unavailable:
		return true
	case codes.Canceled, codes.Internal, codes.Unknown:
		return ctx.Err() == nil && reason(err) == ""
	default:
		return false
	}
}

func withToken(ctx context.Context, token string) context.Context {
	return metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+token)
}

// authorize calls with a token. A call that is refused as expired was not executed.
func (c *client) authorize(ctx context.Context, method string, request, response any, connection *grpc.ClientConn, invoke grpc.UnaryInvoker, options ...grpc.CallOption) error {
	token, err := c.session.Token(ctx, "")
	if err != nil {
		return err
	}
	err = invoke(withToken(ctx, token), method, request, response, connection, options...)
	if reason(err) != "TOKEN_EXPIRED" {
		return err
	}
	token, err = c.session.Token(ctx, token)
	if err != nil {
		return err
	}
	return invoke(withToken(ctx, token), method, request, response, connection, options...)
}

func (c *client) SignUp(ctx context.Context) error {
	email := rand.Text() + "@example.com"
	signUp := &authv1.SignUpRequest{Email: email, Password: scenarios.Password, RequestId: rand.Text()}
	if _, err := c.accounts.SignUp(ctx, signUp); err != nil {
		return err
	}
	login, err := c.accounts.LogIn(ctx, &authv1.LogInRequest{Email: email, Password: scenarios.Password})
	if err != nil {
		return err
	}
	c.session = session.New(login.GetTokens(), func(ctx context.Context, refreshToken, requestID string) (*authv1.TokenPair, error) {
		response, err := c.accounts.RefreshToken(ctx, &authv1.RefreshTokenRequest{RefreshToken: refreshToken, RequestId: requestID})
		return response.GetTokens(), err
	})
	return c.getMe(ctx)
}

func (c *client) getMe(ctx context.Context) error {
	_, err := c.account.GetMe(ctx, &authv1.GetMeRequest{})
	return err
}

func (c *client) Refresh(ctx context.Context) error {
	// As if the token were near its end.
	c.session.SetLeft(0)
	if err := scenarios.AtOnce(func() error { return c.getMe(ctx) }); err != nil {
		return err
	}
	if err := scenarios.Expect(c.session.Refreshes(), 1); err != nil {
		return err
	}

	// As if this machine's clock were late: the server decides.
	expiring := withToken(ctx, c.session.SetLeft(time.Hour))
	for {
		_, err := c.tokenless.GetMe(expiring, &authv1.GetMeRequest{})
		if err != nil && reason(err) != "TOKEN_EXPIRED" {
			return err
		}
		if err != nil {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	if err := scenarios.AtOnce(func() error { return c.getMe(ctx) }); err != nil {
		return err
	}
	return scenarios.Expect(c.session.Refreshes(), 2)
}

func (c *client) create(ctx context.Context, request *contactsv1.CreateContactRequest) error {
	// It waits for a connection instead of failing while there is none.
	_, err := c.book.CreateContact(ctx, request, grpc.WaitForReady(true))
	return err
}

func (c *client) Pages(ctx context.Context) error {
	for _, name := range scenarios.Names {
		if err := c.create(ctx, scenarios.NewContact(name)); err != nil {
			return err
		}
	}
	return scenarios.ReadPages(func(request *contactsv1.ListContactsRequest) (*contactsv1.ListContactsResponse, error) {
		return c.book.ListContacts(ctx, request)
	})
}

func (c *client) Errors(ctx context.Context) error {
	err := c.create(ctx, scenarios.Broken())
	got := []any{status.Code(err), reason(err)}
	for _, violation := range detail[*errdetails.BadRequest](err).GetFieldViolations() {
		got = append(got, violation.GetField())
	}
	return scenarios.Expect(got, []any{codes.InvalidArgument, "FIELD_INVALID", "contact.emails[0].address"})
}

func (c *client) Retry(ctx context.Context) error {
	var limited error
	// More than the limit of a minute.
	for range 1000 {
		if _, limited = c.impatient.FindDuplicates(ctx, &contactsv1.FindDuplicatesRequest{}); limited != nil {
			break
		}
	}
	hasDelay := detail[*errdetails.RetryInfo](limited).GetRetryDelay() != nil
	if err := scenarios.Expect([]any{reason(limited), hasDelay}, []any{"RATE_LIMITED", true}); err != nil {
		return err
	}
	// The library waits as long as the server asks it to.
	for range 2 {
		if _, err := c.book.FindDuplicates(ctx, &contactsv1.FindDuplicatesRequest{}); err != nil {
			return err
		}
	}
	return nil
}

func (c *client) Deadline(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 200*time.Millisecond)
	defer cancel()
	watch := &watch{client: c, request: &contactsv1.WatchContactsRequest{}}
	for {
		if _, err := watch.next(ctx); err != nil {
			return scenarios.Expect(status.Code(err), codes.DeadlineExceeded)
		}
	}
}

func (c *client) Watch(ctx context.Context) error {
	watch := &watch{client: c, request: &contactsv1.WatchContactsRequest{}}
	next := func() (*contactsv1.WatchContactsResponse, error) { return watch.next(ctx) }
	create := func(request *contactsv1.CreateContactRequest) error { return c.create(ctx, request) }
	return scenarios.WatchWhileKilled(next, create)
}

// watch resumes after the last event when its connection has broken.
type watch struct {
	client  *client
	request *contactsv1.WatchContactsRequest
	stream  grpc.ServerStreamingClient[contactsv1.WatchContactsResponse]
	token   string
}

// next returns ErrBroken where the connection broke; the call after it resumes.
func (w *watch) next(ctx context.Context) (*contactsv1.WatchContactsResponse, error) {
	for {
		event, err := w.receive(ctx)
		if err == nil {
			w.request.SyncToken = event.GetSyncToken()
			return event, nil
		}
		w.stream = nil
		switch {
		case reason(err) == "TOKEN_EXPIRED":
			if _, err := w.client.session.Token(ctx, w.token); err != nil {
				return nil, err
			}
		case isBroken(ctx, err) || errors.Is(err, io.EOF):
			scenarios.Pause()
			return nil, scenarios.ErrBroken
		default:
			return nil, err
		}
	}
}

func (w *watch) receive(ctx context.Context) (event *contactsv1.WatchContactsResponse, err error) {
	if w.stream == nil {
		if w.token, err = w.client.session.Token(ctx, ""); err != nil {
			return nil, err
		}
		w.stream, err = w.client.book.WatchContacts(withToken(ctx, w.token), w.request, grpc.WaitForReady(true))
		if err != nil {
			return nil, err
		}
	}
	return w.stream.Recv()
}

func (c *client) ImportFile(ctx context.Context) error {
	token, err := c.session.Token(ctx, "")
	if err != nil {
		return err
	}
	stream, err := c.book.ImportContacts(withToken(ctx, token))
	if err != nil {
		return err
	}
	go func() {
		for _, request := range scenarios.File() {
			// Recv returns the error, if there is one.
			if stream.Send(request) != nil {
				return
			}
		}
		_ = stream.CloseSend()
	}()
	var imported scenarios.Imported
	for {
		response, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return imported.Check()
		}
		if err != nil {
			return err
		}
		imported.Add(response, reason(status.ErrorProto(response.GetRow().GetStatus())))
	}
}
