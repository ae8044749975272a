// Package scenarios has what every client does, and what it sends.
package scenarios

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log"
	mathrand "math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	contactsv1 "addressbook.example.com/clients/gen/addressbook/contacts/v1"
)

// Password of the users.
const Password = "the otter naps at noon"

// Policy is the published retry policy, from this folder's parent.
const Policy = "../../proto/service-config.json"

// Names of the contacts.
var Names = []string{"Ada", "Barbara", "Edsger", "Grace", "Tony"}

// ErrBroken is returned where a stream was interrupted and can be resumed.
var ErrBroken = errors.New("the connection broke")

// Client is what runs.
type Client interface {
	SignUp(ctx context.Context) error
	Refresh(ctx context.Context) error
	Pages(ctx context.Context) error
	Errors(ctx context.Context) error
	Retry(ctx context.Context) error
	Deadline(ctx context.Context) error
	Watch(ctx context.Context) error
	ImportFile(ctx context.Context) error
}

// Run runs all scenarios, and says how each ended.
func Run(connect func(auth, contacts string) (Client, error)) {
	client, err := connect(os.Args[1], os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	failed := false
	for _, scenario := range []struct {
		name string
		run  func(ctx context.Context) error
	}{
		{"sign_up", client.SignUp},
		{"refresh", client.Refresh},
		{"pages", client.Pages},
		{"errors", client.Errors},
		{"retry", client.Retry},
		{"deadline", client.Deadline},
		{"watch", client.Watch},
		{"import_file", client.ImportFile},
	} {
		if err := scenario.run(context.Background()); err != nil {
			failed = true
			fmt.Printf("failed %s: %v\n", scenario.name, err)
		} else {
			fmt.Println("ok", scenario.name)
		}
	}
	if failed {
		os.Exit(1)
	}
}

// Expect returns an error if the two are different.
func Expect(actual, expected any) error {
	if got, want := fmt.Sprint(actual), fmt.Sprint(expected); got != want {
		return fmt.Errorf("%s is not %s", got, want)
	}
	return nil
}

// AtOnce makes eight calls at the same time, which may need a new token.
func AtOnce(call func() error) error {
	errs := make([]error, 8)
	var group sync.WaitGroup
	for i := range errs {
		group.Go(func() { errs[i] = call() })
	}
	group.Wait()
	return errors.Join(errs...)
}

// Pause keeps all clients of a server that was restarted from coming back at the same moment.
func Pause() {
	time.Sleep(time.Duration(100+mathrand.IntN(400)) * time.Millisecond)
}

// ReadPages calls `list` page by page, and returns the names on each page.
func ReadPages(list func(*contactsv1.ListContactsRequest) (*contactsv1.ListContactsResponse, error)) error {
	request := &contactsv1.ListContactsRequest{PageSize: 2, OrderBy: "given_name"}
	var pages []string
	for {
		page, err := list(request)
		if err != nil {
			return err
		}
		var names []string
		for _, contact := range page.GetContacts() {
			names = append(names, contact.GetGivenName())
		}
		pages = append(pages, strings.Join(names, " "))
		request.PageToken = page.GetNextPageToken()
		if request.PageToken == "" {
			return Expect(pages, []string{"Ada Barbara", "Edsger Grace", "Tony"})
		}
	}
}

// NewContact can be retried, because it has a request id.
func NewContact(name string) *contactsv1.CreateContactRequest {
	return &contactsv1.CreateContactRequest{Contact: &contactsv1.Contact{GivenName: name}, RequestId: rand.Text()}
}

// Broken is refused, because of an address.
func Broken() *contactsv1.CreateContactRequest {
	request := NewContact("Eve")
	request.Contact.Emails = []*contactsv1.Email{{Address: "nowhere"}}
	return request
}

// File is the header, and then a file of vCards in pieces. The second card says nothing.
func File() []*contactsv1.ImportContactsRequest {
	header := &contactsv1.ImportHeader{Format: contactsv1.ImportFormat_IMPORT_FORMAT_VCARD, ImportId: rand.Text()}
	requests := []*contactsv1.ImportContactsRequest{{Part: &contactsv1.ImportContactsRequest_Header{Header: header}}}
	cards := strings.Join([]string{"FN:Alan\r\n", "", "FN:Kurt\r\n"}, "END:VCARD\r\nBEGIN:VCARD\r\nVERSION:4.0\r\n")
	file := []byte("BEGIN:VCARD\r\nVERSION:4.0\r\n" + cards + "END:VCARD\r\n")
	for chunk := range slices.Chunk(file, 50) {
		requests = append(requests, &contactsv1.ImportContactsRequest{Part: &contactsv1.ImportContactsRequest_Chunk{Chunk: chunk}})
	}
	return requests
}

// Imported are the responses to File: `reason` is what the details of a status say.
type Imported struct {
	refused []string
	created int64
	failed  int64
}

// Add adds a response.
func (i *Imported) Add(response *contactsv1.ImportContactsResponse, reason string) {
	if row := response.GetRow(); row != nil {
		i.refused = append(i.refused, fmt.Sprint(row.GetIndex(), " ", reason))
	}
	if summary := response.GetSummary(); summary != nil {
		i.created, i.failed = summary.GetCreated(), summary.GetFailed()
	}
}

// Check returns an error if the responses are not the expected ones.
func (i *Imported) Check() error {
	return Expect(*i, Imported{refused: []string{"1 CARD_EMPTY"}, created: 2, failed: 1})
}

// NextEvent returns the next event; ErrBroken where the connection broke, and is resumed.
type NextEvent func() (*contactsv1.WatchContactsResponse, error)

// WatchWhileKilled reads events while the server is killed and restarted.
func WatchWhileKilled(next NextEvent, create func(*contactsv1.CreateContactRequest) error) error {
	for {
		event, err := next()
		if err != nil {
			return err
		}
		if event.GetCaughtUp() != nil {
			break
		}
	}
	fmt.Println("ready to be killed")
	for {
		if _, err := next(); errors.Is(err, ErrBroken) {
			break
		} else if err != nil {
			return err
		}
	}
	if err := create(NewContact("Wanda")); err != nil {
		return err
	}
	for {
		event, err := next()
		if err != nil && !errors.Is(err, ErrBroken) {
			return err
		}
		if changed := event.GetChanged(); changed != nil {
			return Expect(changed.GetGivenName(), "Wanda")
		}
	}
}
