package app

import (
	"context"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"strings"
	"testing"
)

// fixture is an app that listens, a user of Signet, and a browser at the app that follows no redirect.
type fixture struct {
	*testing.T
	signet  *Signet
	browser *http.Client
	home    string
	subject string
}

func start(t *testing.T) fixture {
	t.Helper()
	signet := StartSignet(t)
	server := httptest.NewUnstartedServer(nil)
	home := "http://" + server.Listener.Addr().String()
	client := signet.Call("clients", map[string]any{"redirect_uris": []string{home + "/callback"}})
	secret, _ := client["client_secret"].(string)
	handler, err := New(context.Background(), signet.Issuer, client["client_id"].(string), secret, home)
	if err != nil {
		t.Fatal(err)
	}
	server.Config.Handler = handler
	server.Start()
	t.Cleanup(server.Close)
	jar, _ := cookiejar.New(nil)
	browser := &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}}
	user := signet.Call("users", nil)
	return fixture{t, signet, browser, home, user["sub"].(string)}
}

func (f fixture) open(url string) (location, text string) {
	f.Helper()
	answer, err := f.browser.Get(url)
	if err != nil {
		f.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		f.Fatal(err)
	}
	return answer.Header.Get("Location"), string(body)
}

// signIn returns what the app shows after the user has come back from Signet.
func (f fixture) signIn(options map[string]any) string {
	f.Helper()
	location, _ := f.open(f.home + "/sign-in")
	asked := map[string]any{"url": location, "user": f.subject}
	for name, value := range options {
		asked[name] = value
	}
	_, text := f.open(f.signet.Call("sign-in", asked)["url"].(string))
	return text
}

func TestAUserSignsIn(t *testing.T) {
	f := start(t)
	f.signIn(nil)
	if _, text := f.open(f.home + "/"); text != "Hello, "+f.subject {
		t.Errorf("the app says %q", text)
	}
	f.signet.Call("assert-safe-sign-in", map[string]any{"redirect_uri": f.home + "/callback"})
}

func TestWhatIsWrongIsRejected(t *testing.T) {
	f := start(t)
	for name, fault := range map[string]map[string]any{
		"an expired ID token":         {"fault": "id_token", "expired": true},
		"an ID token of a stranger":   {"fault": "id_token", "foreign_key": true},
		"an ID token for another app": {"fault": "id_token", "wrong_audience": true},
		"another issuer":              {"fault": "id_token", "wrong_issuer": true},
		"no nonce":                    {"fault": "id_token", "claims": map[string]any{"nonce": nil}},
		"another nonce":               {"fault": "id_token", "claims": map[string]any{"nonce": "other"}},
		"another state":               {"fault": "redirect", "state": "of-someone-else"},
	} {
		t.Run(name, func(t *testing.T) {
			fault["times"] = 1
			f.signet.Call("faults", fault)
			f.signIn(nil)
			if _, text := f.open(f.home + "/"); text != "Welcome" {
				t.Errorf("the app says %q", text)
			}
		})
	}
}

func TestAUserWhoDeniesAccessIsNotSignedIn(t *testing.T) {
	f := start(t)
	if text := f.signIn(map[string]any{"consent": false}); !strings.Contains(text, "access_denied") {
		t.Errorf("the app says %q", text)
	}
}
