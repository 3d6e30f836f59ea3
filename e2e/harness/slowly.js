import { test } from 'node:test';

/** A test that takes long and shows what parts of the server's own tests show too: for `make test-long`. */
export const slowly = process.env.LONG ? test : test.skip;
