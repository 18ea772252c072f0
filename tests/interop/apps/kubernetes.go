// Reads a token from stdin and prints the user that the API server of Kubernetes would see, as JSON. The argument is the
// file that --authentication-config names. This is the code of the API server, without the cluster behind it.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apiserver/pkg/apis/apiserver"
	"k8s.io/apiserver/pkg/apis/apiserver/install"
	"k8s.io/apiserver/plugin/pkg/authenticator/token/oidc"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	file, err := os.ReadFile(os.Args[1])
	if err != nil {
		return err
	}
	token, err := io.ReadAll(os.Stdin)
	if err != nil {
		return err
	}
	scheme := runtime.NewScheme()
	install.Install(scheme)
	codecs := serializer.NewCodecFactory(scheme, serializer.EnableStrict)
	config := &apiserver.AuthenticationConfiguration{}
	if err := runtime.DecodeInto(codecs.UniversalDecoder(), file, config); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	verifier, err := oidc.New(ctx, oidc.Options{JWTAuthenticator: config.JWT[0]})
	if err != nil {
		return err
	}
	// The provider's keys are fetched in the background.
	for verifier.HealthCheck() != nil && ctx.Err() == nil {
		time.Sleep(100 * time.Millisecond)
	}
	found, ok, err := verifier.AuthenticateToken(ctx, strings.TrimSpace(string(token)))
	if err != nil || !ok {
		return fmt.Errorf("not accepted: %v", err)
	}
	user := map[string]any{"name": found.User.GetName(), "groups": found.User.GetGroups(), "uid": found.User.GetUID()}
	return json.NewEncoder(os.Stdout).Encode(user)
}
