// What every client of the address book does, with connect-go. Usage: connect AUTH CONTACTS
package main

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"net/http"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/genproto/googleapis/rpc/status"

	authv1 "addressbook.example.com/clients/gen/addressbook/auth/v1"
	"addressbook.example.com/clients/gen/addressbook/auth/v1/authv1connect"
	contactsv1 "addressbook.example.com/clients/gen/addressbook/contacts/v1"
	"addressbook.example.com/clients/gen/addressbook/contacts/v1/contactsv1connect"
	"addressbook.example.com/clients/scenarios"
	"addressbook.example.com/clients/session"
)

type client struct {
	accounts authv1connect.AuthServiceClient
	account  authv1connect.AccountServiceClient
	// Its calls bring their own token.
	tokenless authv1connect.AccountServiceClient
	book      contactsv1connect.ContactsServiceClient
	impatient contactsv1connect.ContactsServiceClient
	session   *session.Session
}

func main() {
	scenarios.Run(newClient)
}

func newClient(auth, contacts string) (scenarios.Client, error) {
	retrying, err := retrying(scenarios.Policy)
	if err != nil {
		return nil, err
	}
	// HTTP/2 without TLS. A stream whose server has disappeared ends after both times.
	transport := &http.Transport{
		Protocols: new(http.Protocols),
		HTTP2:     &http.HTTP2Config{SendPingTimeout: 20 * time.Second, PingTimeout: 10 * time.Second},
	}
	transport.Protocols.SetUnencryptedHTTP2(true)
	wire := &http.Client{Transport: transport}
	c := &client{}
	authorizing := connect.UnaryInterceptorFunc(c.authorize)
	anybody := connect.WithInterceptors(retrying)
	user := connect.WithInterceptors(retrying, authorizing)
	c.accounts = authv1connect.NewAuthServiceClient(wire, "http://"+auth, connect.WithGRPC(), anybody)
	c.tokenless = authv1connect.NewAccountServiceClient(wire, "http://"+auth, connect.WithGRPC(), anybody)
	c.account = authv1connect.NewAccountServiceClient(wire, "http://"+auth, connect.WithGRPC(), user)
	c.book = contactsv1connect.NewContactsServiceClient(wire, "http://"+contacts, connect.WithGRPC(), user)
	c.impatient = contactsv1connect.NewContactsServiceClient(wire, "http://"+contacts, connect.WithGRPC(), connect.WithInterceptors(authorizing))
	return c, nil
}

func setToken(header http.Header, token string) {
	header.Set("Authorization", "Bearer "+token)
}

// authorize calls with a token. A call that is refused as expired was not executed.
func (c *client) authorize(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, request connect.AnyRequest) (connect.AnyResponse, error) {
		token, err := c.session.Token(ctx, "")
		if err != nil {
			return nil, err
		}
		setToken(request.Header(), token)
		response, err := next(ctx, request)
		if reason(err) != "TOKEN_EXPIRED" {
			return response, err
		}
		token, err = c.session.Token(ctx, token)
		if err != nil {
			return nil, err
		}
		setToken(request.Header(), token)
		return next(ctx, request)
	}
}

func (c *client) SignUp(ctx context.Context) error {
	email := rand.Text() + "@example.com"
	signUp := &authv1.SignUpRequest{Email: email, Password: scenarios.Password, RequestId: rand.Text()}
	if _, err := c.accounts.SignUp(ctx, connect.NewRequest(signUp)); err != nil {
		return err
	}
	login, err := c.accounts.LogIn(ctx, connect.NewRequest(&authv1.LogInRequest{Email: email, Password: scenarios.Password}))
	if err != nil {
		return err
	}
	c.session = session.New(login.Msg.GetTokens(), func(ctx context.Context, refreshToken, requestID string) (*authv1.TokenPair, error) {
		request := &authv1.RefreshTokenRequest{RefreshToken: refreshToken, RequestId: requestID}
		response, err := c.accounts.RefreshToken(ctx, connect.NewRequest(request))
		if err != nil {
			return nil, err
		}
		return response.Msg.GetTokens(), nil
	})
	return c.getMe(ctx)
}

func (c *client) getMe(ctx context.Context) error {
	_, err := c.account.GetMe(ctx, connect.NewRequest(&authv1.GetMeRequest{}))
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
	token := c.session.SetLeft(time.Hour)
	for {
		request := connect.NewRequest(&authv1.GetMeRequest{})
		setToken(request.Header(), token)
		_, err := c.tokenless.GetMe(ctx, request)
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
	_, err := c.book.CreateContact(ctx, connect.NewRequest(request))
	return err
}

// createWhenReachable repeats the same request, which has an id, until the server is back.
func (c *client) createWhenReachable(ctx context.Context, request *contactsv1.CreateContactRequest) error {
	for {
		err := c.create(ctx, request)
		if err == nil || !isBroken(ctx, err) {
			return err
		}
		scenarios.Pause()
	}
}

func (c *client) Pages(ctx context.Context) error {
	for _, name := range scenarios.Names {
		if err := c.create(ctx, scenarios.NewContact(name)); err != nil {
			return err
		}
	}
	return scenarios.ReadPages(func(request *contactsv1.ListContactsRequest) (*contactsv1.ListContactsResponse, error) {
		response, err := c.book.ListContacts(ctx, connect.NewRequest(request))
		if err != nil {
			return nil, err
		}
		return response.Msg, nil
	})
}

func (c *client) Errors(ctx context.Context) error {
	err := c.create(ctx, scenarios.Broken())
	got := []any{connect.CodeOf(err), reason(err)}
	for _, violation := range detail[*errdetails.BadRequest](err).GetFieldViolations() {
		got = append(got, violation.GetField())
	}
	return scenarios.Expect(got, []any{connect.CodeInvalidArgument, "FIELD_INVALID", "contact.emails[0].address"})
}

func (c *client) Retry(ctx context.Context) error {
	var limited error
	// More than the limit of a minute.
	for range 1000 {
		if _, limited = c.impatient.FindDuplicates(ctx, connect.NewRequest(&contactsv1.FindDuplicatesRequest{})); limited != nil {
			break
		}
	}
	hasDelay := detail[*errdetails.RetryInfo](limited).GetRetryDelay() != nil
	if err := scenarios.Expect([]any{reason(limited), hasDelay}, []any{"RATE_LIMITED", true}); err != nil {
		return err
	}
	// The interceptor waits as long as the server asks it to.
	for range 2 {
		if _, err := c.book.FindDuplicates(ctx, connect.NewRequest(&contactsv1.FindDuplicatesRequest{})); err != nil {
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
			return scenarios.Expect(connect.CodeOf(err), connect.CodeDeadlineExceeded)
		}
	}
}

func (c *client) Watch(ctx context.Context) error {
	watch := &watch{client: c, request: &contactsv1.WatchContactsRequest{}}
	next := func() (*contactsv1.WatchContactsResponse, error) { return watch.next(ctx) }
	create := func(request *contactsv1.CreateContactRequest) error { return c.createWhenReachable(ctx, request) }
	return scenarios.WatchWhileKilled(next, create)
}

// watch resumes after the last event when its connection has broken.
type watch struct {
	client  *client
	request *contactsv1.WatchContactsRequest
	stream  *connect.ServerStreamForClient[contactsv1.WatchContactsResponse]
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
		if w.stream != nil {
			_ = w.stream.Close()
			w.stream = nil
		}
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
		request := connect.NewRequest(w.request)
		setToken(request.Header(), w.token)
		if w.stream, err = w.client.book.WatchContacts(ctx, request); err != nil {
			return nil, err
		}
	}
	if w.stream.Receive() {
		return w.stream.Msg(), nil
	}
	if err := w.stream.Err(); err != nil {
		return nil, err
	}
	return nil, io.EOF
}

func (c *client) ImportFile(ctx context.Context) error {
	token, err := c.session.Token(ctx, "")
	if err != nil {
		return err
	}
	stream := c.book.ImportContacts(ctx)
	setToken(stream.RequestHeader(), token)
	go func() {
		for _, request := range scenarios.File() {
			// Receive returns the error, if there is one.
			if stream.Send(request) != nil {
				return
			}
		}
		_ = stream.CloseRequest()
	}()
	var imported scenarios.Imported
	for {
		response, err := stream.Receive()
		if errors.Is(err, io.EOF) {
			return errors.Join(imported.Check(), stream.CloseResponse())
		}
		if err != nil {
			return err
		}
		imported.Add(response, reasonOf(response.GetRow().GetStatus()))
	}
}

// reasonOf is the reason of a status in a part of a response.
func reasonOf(status *status.Status) string {
	for _, detail := range status.GetDetails() {
		info := &errdetails.ErrorInfo{}
		if detail.UnmarshalTo(info) == nil {
			return info.GetReason()
		}
	}
	return ""
}
