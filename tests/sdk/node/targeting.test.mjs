// Each user gets the same answer by Flagsmith's Node.js SDK, evaluated remotely and locally, and by OpenFeature's SDKs for
// servers and pages, as Flagsmith's Python engine gives it. `../run` starts it with a server that `../targeting.py` has filled.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { OFREPProvider } from '@openfeature/ofrep-provider';
import { OFREPWebProvider } from '@openfeature/ofrep-web-provider';
import { OpenFeature } from '@openfeature/server-sdk';
import { OpenFeature as OpenFeatureWeb } from '@openfeature/web-sdk';
import { Flagsmith } from 'flagsmith-nodejs';
import { url } from './server.mjs';

const { keys, users } = JSON.parse(readFileSync(process.env.FLAGSTAFF_TEST_TABLE, 'utf8'));

function flagsmith(options) {
    const logger = { error() {}, warn() {}, info() {}, debug() {} };
    return new Flagsmith({ apiUrl: `${url}/api/v1/`, requestTimeoutSeconds: 5, logger, ...options });
}

function assertSame(flags, user) {
    const answers = flags.allFlags().map(flag => [flag.featureName, [flag.enabled, flag.value ?? null]]);
    const sorted = pairs => pairs.sort(([a], [b]) => (a < b ? -1 : 1));
    assert.deepEqual(sorted(answers), sorted(Object.entries(user.flags)), user.identifier);
}

test("evaluated remotely by Flagsmith's SDK", async () => {
    const client = flagsmith({ environmentKey: keys.client });
    for (const user of users) assertSame(await client.getIdentityFlags(user.identifier, user.traits), user);
});

test("evaluated locally by Flagsmith's SDK", async t => {
    const client = flagsmith({ environmentKey: keys.server, enableLocalEvaluation: true });
    t.after(() => client.close());
    for (const user of users) assertSame(await client.getIdentityFlags(user.identifier, user.traits), user);
});

/** What application code reads of each flag: the value, or its own default. */
function* reads(user) {
    for (const [feature, [enabled, value]] of Object.entries(user.flags)) {
        if (value === null) yield [feature, 'boolean', !enabled, enabled];
        // Flagsmith's SDKs read structures as text; the other tests read them.
        else if (/^[[{]/.test(value)) continue;
        else if (enabled) yield [feature, typeof value, { boolean: !value, number: -1, string: '?' }[typeof value], value];
        else {
            const mine = { boolean: true, number: -1, string: '?' }[typeof value];
            yield [feature, typeof value, mine, mine];
        }
    }
}

function read(client, [feature, type, mine], context) {
    const name = { boolean: 'getBooleanValue', number: 'getNumberValue', string: 'getStringValue' }[type];
    return client[name](feature, mine, context);
}

test("evaluated by OpenFeature's server SDK", async () => {
    const headers = [['Authorization', `Bearer ${keys.client}`]];
    await OpenFeature.setProviderAndWait(new OFREPProvider({ baseUrl: url, headers }));
    const client = OpenFeature.getClient();
    for (const user of users) {
        const context = { targetingKey: user.identifier, ...user.traits };
        const check = async asked =>
            assert.equal(await read(client, asked, context), asked[3], `${user.identifier} ${asked[0]}`);
        await Promise.all([...reads(user)].map(check));
    }
});

test("evaluated by OpenFeature's web SDK", async t => {
    const provider = new OFREPWebProvider({ baseUrl: url, headers: [['X-API-Key', keys.client]], pollInterval: 0 });
    const context = user => ({ targetingKey: user.identifier, ...user.traits });
    t.after(() => OpenFeatureWeb.clearProviders());
    await OpenFeatureWeb.setContext(context(users[0]));
    await OpenFeatureWeb.setProviderAndWait(provider);
    const client = OpenFeatureWeb.getClient();
    for (const user of users) {
        await OpenFeatureWeb.setContext(context(user));
        for (const asked of reads(user)) assert.equal(read(client, asked), asked[3], `${user.identifier} ${asked[0]}`);
    }
});
