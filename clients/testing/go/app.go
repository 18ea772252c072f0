// Package app is a Go web app that signs users in with go-oidc. Its tests are in sign_in_test.go.
package app

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"sync"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// New returns the app for one provider. home is its own URL, without a slash at the end.
func New(ctx context.Context, issuer, clientID, clientSecret, home string) (http.Handler, error) {
	provider, err := oidc.NewProvider(ctx, issuer)
	if err != nil {
		return nil, err
	}
	config := oauth2.Config{
		ClientID:     clientID,
		ClientSecret: clientSecret,
		Endpoint:     provider.Endpoint(),
		RedirectURL:  home + "/callback",
		Scopes:       []string{oidc.ScopeOpenID},
	}
	verifier := provider.Verifier(&oidc.Config{ClientID: clientID})
	var mutex sync.Mutex
	sessions := map[string]string{}
	mux := http.NewServeMux()

	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		mutex.Lock()
		defer mutex.Unlock()
		if subject, known := sessions[cookie(r, "session")]; known {
			fmt.Fprint(w, "Hello, "+subject)
			return
		}
		fmt.Fprint(w, "Welcome")
	})

	mux.HandleFunc("GET /sign-in", func(w http.ResponseWriter, r *http.Request) {
		state, nonce, pkce := rand.Text(), rand.Text(), oauth2.GenerateVerifier()
		setCookie(w, "state", state)
		setCookie(w, "nonce", nonce)
		setCookie(w, "pkce", pkce)
		url := config.AuthCodeURL(state, oidc.Nonce(nonce), oauth2.S256ChallengeOption(pkce))
		http.Redirect(w, r, url, http.StatusFound)
	})

	mux.HandleFunc("GET /callback", func(w http.ResponseWriter, r *http.Request) {
		if state := cookie(r, "state"); state == "" || r.FormValue("state") != state {
			http.Error(w, "state did not match", http.StatusBadRequest)
			return
		}
		if problem := r.FormValue("error"); problem != "" {
			http.Error(w, problem, http.StatusBadRequest)
			return
		}
		token, err := config.Exchange(r.Context(), r.FormValue("code"), oauth2.VerifierOption(cookie(r, "pkce")))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		raw, _ := token.Extra("id_token").(string)
		idToken, err := verifier.Verify(r.Context(), raw)
		if err != nil || idToken.Nonce != cookie(r, "nonce") {
			http.Error(w, "the ID token is not valid", http.StatusBadRequest)
			return
		}
		session := rand.Text()
		mutex.Lock()
		sessions[session] = idToken.Subject
		mutex.Unlock()
		setCookie(w, "session", session)
		http.Redirect(w, r, "/", http.StatusFound)
	})
	return mux, nil
}

func setCookie(w http.ResponseWriter, name, value string) {
	http.SetCookie(w, &http.Cookie{Name: name, Value: value, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode})
}

func cookie(r *http.Request, name string) string {
	found, err := r.Cookie(name)
	if err != nil {
		return ""
	}
	return found.Value
}
