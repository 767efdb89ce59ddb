// Reads flags through OpenFeature's web SDK and its OFREP provider, as a page in a browser does. `../run` starts it with a server.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OFREPWebProvider } from '@openfeature/ofrep-web-provider';
import { OpenFeature, ProviderEvents } from '@openfeature/web-sdk';
import { change, features, ofrepValue, productionKey, unknownKey, url } from './server.mjs';

const user = { targetingKey: 'user-1', plan: 'pro' };
/** The statuses that the provider's requests were answered with. */
const statuses = [];

async function recorded(request, init) {
    const response = await fetch(request, init);
    statuses.push(response.status);
    return response;
}

async function start(t, options = {}, key = productionKey) {
    statuses.length = 0;
    await OpenFeature.setContext(user);
    const headers = [['X-API-Key', key]];
    const provider = new OFREPWebProvider({ baseUrl: url, headers, pollInterval: 0, fetchImplementation: recorded, ...options });
    t.after(() => OpenFeature.clearProviders());
    await OpenFeature.setProviderAndWait(provider);
    return OpenFeature.getClient();
}

test('all flags arrive at once, each with its type', async t => {
    const flags = await start(t);
    for (const [name, value, enabled] of features) {
        if (!enabled) continue;
        const expected = ofrepValue(value, enabled);
        const read = {
            boolean: () => flags.getBooleanDetails(name, !expected),
            number: () => flags.getNumberDetails(name, expected + 1),
            string: () => flags.getStringDetails(name, `${expected}?`),
            object: () => flags.getObjectDetails(name, { default: true })
        };
        const flag = read[typeof expected]();
        assert.deepEqual([flag.value, flag.reason, flag.variant], [expected, 'STATIC', 'default'], name);
    }
    assert.equal(flags.getStringValue('disabled', "the code's own"), "the code's own");
    assert.deepEqual(statuses, [200]);
});

test('polling asks conditionally, and a change arrives', async t => {
    t.after(() => change('changing', { value: 'before', enabled: false }));
    const flags = await start(t, { pollInterval: 50 });
    while (!statuses.includes(304)) await new Promise(resolve => setTimeout(resolve, 20));
    const changed = new Promise(resolve => OpenFeature.addHandler(ProviderEvents.ConfigurationChanged, resolve));
    await change('changing', { value: 'after', enabled: true });
    await changed;
    assert.equal(flags.getStringValue('changing', 'default'), 'after');
});

test("another user's flags are asked for", async t => {
    const flags = await start(t);
    await OpenFeature.setContext({ targetingKey: 'user-2' });
    assert.equal(flags.getNumberValue('integer', 0), 42);
    assert.equal(statuses.length, 2);
});

test('a bad key is the provider\'s own error', async t => {
    await assert.rejects(start(t, {}, unknownKey));
});
