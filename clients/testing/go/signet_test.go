package app

import (
	"bufio"
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"testing"
)

// Signet is a `signet test-server` for a test, and its control API. Copy this file into your project.
type Signet struct {
	t       *testing.T
	Issuer  string `json:"issuer"`
	Control string `json:"control"`
}

// StartSignet starts a server that ends with the test, or with this process.
func StartSignet(t *testing.T) *Signet {
	t.Helper()
	command := os.Getenv("SIGNET")
	if command == "" {
		command = "signet"
	}
	server := exec.Command(command, "test-server", "--json", "--watch-stdin")
	server.Stderr = os.Stderr
	input, err := server.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	output, err := server.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatalf("signet test-server: %v. Run `pip install pytest-signet`, or set SIGNET to the command", err)
	}
	t.Cleanup(func() {
		input.Close()
		server.Wait()
	})
	signet := &Signet{t: t}
	line, err := bufio.NewReader(output).ReadBytes('\n')
	if err != nil {
		t.Fatalf("signet test-server: %v", err)
	}
	if err := json.Unmarshal(line, signet); err != nil {
		t.Fatal(err)
	}
	return signet
}

// Call runs an operation of the control API, and fails the test with its message if that says no.
func (signet *Signet) Call(operation string, body map[string]any) map[string]any {
	signet.t.Helper()
	encoded, err := json.Marshal(body)
	if err != nil {
		signet.t.Fatal(err)
	}
	answer, err := http.Post(signet.Control+operation, "application/json", bytes.NewReader(encoded))
	if err != nil {
		signet.t.Fatal(err)
	}
	defer answer.Body.Close()
	result := map[string]any{}
	if answer.StatusCode != http.StatusNoContent {
		if err := json.NewDecoder(answer.Body).Decode(&result); err != nil {
			signet.t.Fatal(err)
		}
	}
	if answer.StatusCode >= 300 {
		signet.t.Fatalf("%s: %v", operation, result["message"])
	}
	return result
}
