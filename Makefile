# Everything is built from here: `make run` to try it, `make test` for all tests, `make check` for everything static.

GO      ?= go
NPM     ?= npm --no-fund --no-audit
TOOLS   := $(CURDIR)/.tools
LINT    := $(TOOLS)/golangci-lint-2.15.0
VENDOR  := web/static/vendor
ASSETS  := $(addprefix $(VENDOR)/,htmx.min.js hx-ws.min.js hx-sse.min.js)
LDFLAGS := -s -w

# What the binary is made of; go itself knows what is stale.
.PHONY: build run test test-go test-race test-js test-browser test-netns check lint format fuzz soak browsers clean

build: $(ASSETS)
	$(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/parley ./cmd/parley

run: build
	bin/parley serve

## Third-party scripts, by the lock file, copied to where they are embedded from.
web/node_modules: web/package-lock.json
	cd web && $(NPM) ci
	touch $@

e2e/node_modules: e2e/package-lock.json
	cd e2e && $(NPM) ci
	touch $@

$(VENDOR)/htmx.min.js: web/node_modules
	cp web/node_modules/htmx.org/dist/$(notdir $@) $@
$(VENDOR)/hx-%.min.js: web/node_modules
	cp web/node_modules/htmx.org/dist/ext/$(notdir $@) $@

## Tests
test: test-js test-go test-browser test-netns

test-js: web/node_modules
	cd web && npm test --silent

test-go: $(ASSETS)
	$(GO) test -race ./...

# The binary with the race detector, for one short call of the browser tests.
bin/parley-race: $(ASSETS) FORCE
	$(GO) build -race -o $@ ./cmd/parley

test-browser: build bin/parley-race e2e/node_modules browsers
	cd e2e && npm test --silent
	cd e2e && TEST_BINARY=$(CURDIR)/bin/parley-race npm run test:race --silent

# Two network namespaces, the server behind a 1:1 NAT. Needs root.
test-netns: build
	e2e/netns/run.sh

# Debian's browsers and what the namespaces need, if they are missing.
browsers:
	@.ci/packages

## Static checks
check: lint
	cd web && npm run check --silent

lint: $(LINT) $(ASSETS)
	$(LINT) run ./...

$(LINT):
	GOBIN=$(TOOLS) $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
	mv $(TOOLS)/golangci-lint $@

format:
	gofmt -w auth cmd configs e2e sfu signaling web
	cd web && npm run format --silent

## By hand: minutes to hours
FUZZTIME ?= 5m
fuzz:
	@for package in $$($(GO) list ./...); do \
	  for target in $$($(GO) test -list '^Fuzz' $$package | grep '^Fuzz'); do \
	    echo "$$package $$target"; $(GO) test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) $$package || exit 1; \
	  done; \
	done

screenshots: build e2e/node_modules browsers
	cd e2e && npm run screenshots --silent

clean:
	rm -rf bin .tools web/node_modules e2e/node_modules $(ASSETS)

FORCE:
