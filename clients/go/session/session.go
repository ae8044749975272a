// Package session has the tokens of a log-in, refreshed by one goroutine at a time.
package session

import (
	"context"
	"crypto/rand"
	"sync"
	"time"

	authv1 "addressbook.example.com/clients/gen/addressbook/auth/v1"
)

// Exchange calls RefreshToken.
type Exchange func(ctx context.Context, refreshToken, requestID string) (*authv1.TokenPair, error)

// Session is safe for concurrent use.
type Session struct {
	exchange Exchange

	mutex      sync.Mutex
	tokens     *authv1.TokenPair
	requestID  string
	freshUntil time.Time
	refreshes  int
}

// New returns the session of these tokens.
func New(tokens *authv1.TokenPair, exchange Exchange) *Session {
	session := &Session{exchange: exchange}
	session.keep(tokens)
	return session
}

// Token returns a token that is valid for a while, and not the one that a server has refused.
func (s *Session) Token(ctx context.Context, refused string) (string, error) {
	// It is locked during the refresh: a refresh token works once.
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.tokens.GetAccessToken() == refused || time.Now().After(s.freshUntil) {
		// A caller that gives up does not cancel the refresh, which would lose the new
		// refresh token.
		tokens, err := s.exchange(context.WithoutCancel(ctx), s.tokens.GetRefreshToken(), s.requestID)
		if err != nil {
			return "", err
		}
		s.keep(tokens)
		s.refreshes++
	}
	return s.tokens.GetAccessToken(), nil
}

// Refreshes returns how often the session was refreshed.
func (s *Session) Refreshes() int {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.refreshes
}

// SetLeft says for how long the token seems to be valid, as if this machine's clock were wrong.
// It returns the token.
func (s *Session) SetLeft(left time.Duration) string {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.freshUntil = time.Now().Add(left)
	return s.tokens.GetAccessToken()
}

func (s *Session) keep(tokens *authv1.TokenPair) {
	s.tokens = tokens
	// Of the next refresh and its repeats: if its response is lost, a repeat returns it.
	s.requestID = rand.Text()
	// A tenth of its time is left for calls that are on their way. A new token is used for a
	// second, whatever this machine's clock says.
	left := time.Until(tokens.GetAccessExpireTime().AsTime()) * 9 / 10
	s.freshUntil = time.Now().Add(max(left, time.Second))
}
