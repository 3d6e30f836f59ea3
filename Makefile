# Everything is built from here: `make run` to try it, `make test` for all tests, `make check` for everything static.

GO      ?= go
NPM     ?= npm --no-fund --no-audit
TOOLS   := $(CURDIR)/.tools
LINT    := $(TOOLS)/golangci-lint-2.15.0
PEBBLE  := $(TOOLS)/pebble-2.10.3
VENDOR  := web/static/vendor
ICONS   := $(addsuffix .svg,$(addprefix $(VENDOR)/icons/,$(shell cat web/icons.txt)))
ASSETS  := $(addprefix $(VENDOR)/,htmx.min.js hx-ws.min.js hx-sse.min.js) $(ICONS)
LDFLAGS := -s -w

.PHONY: build run dist dist-check test test-go test-waits test-e2e test-js test-browser test-netns test-long packages \
        check lint format fuzz soak soak-short soak-payload leaks restart bench bwe-report shots clean FORCE

# go itself knows what is stale. Without cgo the binary needs nothing of the system that it runs on.
build: $(ASSETS)
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/parley ./cmd/parley

run: build
	bin/parley serve

## What is handed out: static binaries, the same bytes whoever builds a commit with the same Go.
DIST := $(addprefix bin/dist/parley-linux-,amd64 arm64)
dist: $(DIST)
	cd bin/dist && sha256sum $(notdir $(DIST)) >SHA256SUMS

bin/dist/parley-linux-%: $(ASSETS) FORCE
	CGO_ENABLED=0 GOOS=linux GOARCH=$* GOFLAGS= $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o $@ ./cmd/parley

# Builds the last commit again, elsewhere and with an empty cache. Minutes; it wants nothing uncommitted.
dist-check:
	.ci/dist-check

## Third-party scripts and icons, by the lock file, copied to where they are embedded from. npm writes the file that stands for
## them last, so an install that was broken off is done again.
NODE_WEB := web/node_modules/.package-lock.json
NODE_E2E := e2e/node_modules/.package-lock.json
$(NODE_WEB) $(NODE_E2E): %/node_modules/.package-lock.json: %/package-lock.json
	cd $* && $(NPM) ci
	touch $@

$(VENDOR)/htmx.min.js: $(NODE_WEB)
	cp web/node_modules/htmx.org/dist/$(notdir $@) $@
$(VENDOR)/hx-%.min.js: $(NODE_WEB)
	cp web/node_modules/htmx.org/dist/ext/$(notdir $@) $@
$(VENDOR)/icons/%.svg: $(NODE_WEB)
	@mkdir -p $(@D)
	@cp web/node_modules/lucide-static/icons/$(notdir $@) $@

## Tests
test: test-js test-go test-waits test-browser

# What mostly waits, beside each other; each is shown when it has ended.
test-waits:
	$(MAKE) --jobs=2 --output-sync=target test-e2e test-netns

test-js: $(NODE_WEB)
	cd web && npm test --silent

# Simulations are one goroutine after the other, and take ten times as long with the race detector: they do without.
# Those in e2e run the binary and keep the machine busy: on their own, after the others, some against the binary with
# the race detector. Their own process does without: pion's clients race where ours do not. Some need the machine to
# themselves.
SIMULATED := AcceptanceOverVnet
RACED := Calls|Leaving|Rooms|Resets
ALONE := OneOnABadNetwork|SoakShort
test-go: build packages bin/parley-race
	$(GO) test -race -p 3 -skip '$(SIMULATED)' $$($(GO) list ./... | grep -v -e '/e2e$$' -e '/netns$$' -e '/selection$$')
	$(GO) test ./sfu/selection
	$(GO) test -run '$(SIMULATED)' ./sfu
	TEST_BINARY=$(CURDIR)/bin/parley-race $(GO) test -run '$(RACED)' ./e2e
	$(GO) test -run '$(ALONE)' ./e2e

test-e2e: build packages $(PEBBLE)
	$(GO) test -skip '$(RACED)|$(ALONE)' ./e2e

# An ACME authority, for the tests of certificates.
$(PEBBLE):
	GOBIN=$(TOOLS) $(GO) install github.com/letsencrypt/pebble/v2/cmd/pebble@v2.10.3
	mv $(TOOLS)/pebble $@

# The binary with the race detector, for one short call of the browser tests.
bin/parley-race: $(ASSETS) packages FORCE
	$(GO) build -race -o $@ ./cmd/parley

test-browser: build bin/parley-race $(NODE_E2E)
	$(GO) build -o bin/guests ./e2e/guests
	$(GO) build -o bin/shaper ./e2e/shaper/cmd
	cd e2e && npm test --silent
	cd e2e && PARLEY_MEDIA_BATCHING=sendto npm run test:simple --silent
	cd e2e && TEST_BINARY=$(CURDIR)/bin/parley-race npm run test:race --silent

# Networks as guests have them, made of network namespaces. Needs root, and says so.
test-netns: build packages $(NODE_E2E)
	$(GO) build -o bin/caller ./e2e/netns/caller
	$(GO) test -v -count 1 -parallel 4 -timeout 5m ./e2e/netns

# What the tests need from Debian, if it is missing: a C compiler for the race detector, browsers, namespaces.
packages:
	@.ci/packages

## Static checks
check: lint $(NODE_WEB)
	$(GO) mod tidy -diff
	cd web && npm run check --silent

# gofmt is among the linters, and so is who may import whom.
lint: $(LINT)
	$(LINT) run ./...

$(LINT):
	GOBIN=$(TOOLS) $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
	mv $(TOOLS)/golangci-lint $@

format: $(NODE_WEB)
	$(GO) fmt ./...
	cd web && npm run format --silent

## By hand: minutes to hours
FUZZTIME ?= 5m
fuzz:
	@for package in $$($(GO) list ./...); do \
	  for target in $$($(GO) test -list '^Fuzz' $$package | grep '^Fuzz'); do \
	    echo "$$package $$target"; $(GO) test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 500ms $$package || exit 1; \
	  done; \
	done

# What `make test` repeats less often, as often as it takes to find what is rare.
test-long: build packages bin/parley-race $(NODE_E2E)
	$(GO) test -race -count 1 -timeout 30m ./sfu ./sfu/selection
	JOINS=500 $(GO) test -count 1 -run JoinsAndLeaves ./e2e
	cd e2e && npm run test:long --silent
	cd e2e && PARLEY_MEDIA_BATCHING=sendto node --test call.test.js

# Thirty people do everything that people and networks do, by a seed; everything that must hold is looked at all the time.
SOAK ?= 20m
soak: build
	SOAK=$(SOAK) $(GO) test -v -count 1 -timeout 3h -run 'TestSoak$$' ./e2e
soak-short: build
	$(GO) test -v -count 1 -run 'TestSoakShort$$' ./e2e

# People come and go at random, and every payload that arrives is looked into.
soak-payload: build
	SOAK_PAYLOAD=$(SOAK) $(GO) test -v -count 1 -timeout 3h -run TestSoakPayload ./e2e

# Joins, publishes and handshakes that are aborted: nothing stays behind in the server. About an hour.
LEAKS ?= 10000
leaks: build
	LEAKS=$(LEAKS) $(GO) test -v -count 1 -timeout 3h -run TestLeaks ./e2e

# What it costs a hundred people that the server stops and starts, is killed and started, and is replaced.
RESTART ?= 100
restart: build
	RESTART=$(RESTART) $(GO) test -v -count 1 -timeout 10m -run TestRestartsOfMany ./e2e

# The scenarios of the acceptance of congestion control, simulated: charts and a table. Seconds.
bwe-report:
	$(GO) run ./sfu/congestion/report -into docs/congestion

# The server against its yardsticks, alone on a core each. About an hour on an otherwise idle machine with two cores.
bench: build
	$(GO) run ./bench/run -plots

# Pictures of every state of the page, on a desktop and a phone, dark and light.
SHOTS := 4-desktop-dark 4-phone-light prejoin-desktop-light chat-desktop-dark
shots: build packages $(NODE_E2E)
	$(GO) build -o bin/guests ./e2e/guests
	cd e2e && node shots.js ../bin/shots
	mkdir -p docs/screenshots
	for name in $(SHOTS); do cp bin/shots/$$name.png docs/screenshots/; done

clean:
	rm -rf bin .tools web/node_modules e2e/node_modules $(ASSETS)

FORCE:
