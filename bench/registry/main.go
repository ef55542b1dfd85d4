// Command registry stands in for a registry that answers as fast as it can.
//
// It lists the same tags for every repository, paged as a registry does, and counts what it was
// asked. It prints its address when it is ready, and what it counted when its input ends.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const prefix, suffix = "/v2/", "/tags/list"

type counts struct {
	Lists       atomic.Int64
	Challenges  atomic.Int64
	Tokens      atomic.Int64
	Connections atomic.Int64
	Refused     atomic.Int64
	Early       atomic.Int64
}

type registry struct {
	address string
	tags    []string
	delay   time.Duration
	bearer  bool
	counts  counts
	burst   int64
	rest    time.Duration

	lock    sync.Mutex
	left    int64     // answers until it wants time
	resting time.Time // when it began to want time
}

// A request that was under way when the registry began to want time cannot have known of it, unless
// its own connection was told.
const underWay = 250 * time.Millisecond

// connection is one of a client's, and which rest it was last told of.
type connection struct {
	told time.Time
}

type connectionKey struct{}

func main() {
	number := flag.Int("tags", 100, "how many tags each repository has")
	delay := flag.Duration("delay", 0, "how long to wait before each answer")
	bearer := flag.Bool("bearer", false, "whether to want a bearer token for each repository")
	burst := flag.Int64("burst", 0, "after how many lists to answer 429; never if 0")
	rest := flag.Duration("rest", 2*time.Second, "what to say in Retry-After then")
	flag.Parse()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	serving := &registry{
		address: listener.Addr().String(), tags: versions(*number), delay: *delay, bearer: *bearer,
		burst: *burst, rest: *rest, left: *burst,
	}
	server := &http.Server{
		Handler: serving, ConnState: serving.connected,
		ConnContext: func(base context.Context, _ net.Conn) context.Context {
			return context.WithValue(base, connectionKey{}, &connection{})
		},
	}
	go func() { log.Fatal(server.Serve(listener)) }()
	fmt.Println(serving.address)
	io.Copy(io.Discard, os.Stdin)
	json.NewEncoder(os.Stdout).Encode(map[string]int64{
		"lists":       serving.counts.Lists.Load(),
		"challenges":  serving.counts.Challenges.Load(),
		"tokens":      serving.counts.Tokens.Load(),
		"connections": serving.counts.Connections.Load(),
		"refused":     serving.counts.Refused.Load(),
		"early":       serving.counts.Early.Load(),
	})
}

// versions returns distinct semantic versions: 1.0.0, 1.0.1 … 1.1.0 ….
func versions(number int) []string {
	tags := make([]string, number)
	for i := range tags {
		tags[i] = fmt.Sprintf("1.%d.%d", i/50, i%50)
	}
	return tags
}

func (r *registry) connected(_ net.Conn, state http.ConnState) {
	if state == http.StateNew {
		r.counts.Connections.Add(1)
	}
}

func (r *registry) ServeHTTP(answer http.ResponseWriter, request *http.Request) {
	time.Sleep(r.delay)
	path := request.URL.Path
	answer.Header().Set("Content-Type", "application/json")
	switch {
	case path == "/token":
		r.counts.Tokens.Add(1)
		token := request.URL.Query().Get("scope")
		json.NewEncoder(answer).Encode(map[string]any{"token": token, "expires_in": 300})
	case !strings.HasPrefix(path, prefix) || !strings.HasSuffix(path, suffix):
		http.NotFound(answer, request)
	case r.bearer && request.Header.Get("Authorization") != "Bearer "+scope(path):
		r.counts.Challenges.Add(1)
		answer.Header().Set("WWW-Authenticate", fmt.Sprintf(
			`Bearer realm="http://%s/token",service="stand-in",scope="%s"`, r.address, scope(path)))
		answer.WriteHeader(http.StatusUnauthorized)
	case r.wantsTime(request):
		r.counts.Refused.Add(1)
		answer.Header().Set("Retry-After", strconv.Itoa(int(r.rest.Seconds())))
		answer.WriteHeader(http.StatusTooManyRequests)
	default:
		r.counts.Lists.Add(1)
		r.list(answer, request)
	}
}

// wantsTime tells whether to refuse a list: after each burst the registry rests.
func (r *registry) wantsTime(request *http.Request) bool {
	if r.burst == 0 {
		return false
	}
	r.lock.Lock()
	defer r.lock.Unlock()
	by := request.Context().Value(connectionKey{}).(*connection)
	if rested := time.Since(r.resting); rested < r.rest {
		if rested > underWay || by.told.Equal(r.resting) {
			r.counts.Early.Add(1)
		}
		by.told = r.resting
		return true
	}
	if r.left == 0 {
		r.left, r.resting = r.burst, time.Now()
		by.told = r.resting
		return true
	}
	r.left--
	return false
}

func scope(path string) string {
	return "repository:" + name(path) + ":pull"
}

func name(path string) string {
	return strings.TrimSuffix(strings.TrimPrefix(path, prefix), suffix)
}

// list answers with a page: “last“ is the place of the last tag of the page before.
func (r *registry) list(answer http.ResponseWriter, request *http.Request) {
	query := request.URL.Query()
	size, _ := strconv.Atoi(query.Get("n"))
	first, _ := strconv.Atoi(query.Get("last"))
	end := len(r.tags)
	if size > 0 && first+size < end {
		end = first + size
		next := url.Values{"n": {query.Get("n")}, "last": {strconv.Itoa(end)}}
		answer.Header().Set("Link", fmt.Sprintf(`<%s?%s>; rel="next"`, request.URL.Path, next.Encode()))
	}
	json.NewEncoder(answer).Encode(map[string]any{"name": name(request.URL.Path), "tags": r.tags[first:end]})
}
