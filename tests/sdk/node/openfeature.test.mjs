// Reads flags through OpenFeature's server SDK for Node.js and its OFREP provider. `../run` starts it with a server.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OFREPProvider } from '@openfeature/ofrep-provider';
import { OpenFeature } from '@openfeature/server-sdk';
import { change, features, ofrepValue, productionKey, unknownKey, url } from './server.mjs';

const user = { targetingKey: 'user-1', plan: 'pro' };

async function client(key = productionKey) {
    const provider = new OFREPProvider({ baseUrl: url, headers: [['Authorization', `Bearer ${key}`]] });
    await OpenFeature.setProviderAndWait(provider);
    return OpenFeature.getClient();
}

/** The flag, read as what `like` is, with another value as the code's own default. */
function details(flags, name, like, context = user) {
    switch (typeof like) {
        case 'boolean':
            return flags.getBooleanDetails(name, !like, context);
        case 'number':
            return flags.getNumberDetails(name, like + 1, context);
        case 'string':
            return flags.getStringDetails(name, `${like}?`, context);
        default:
            return flags.getObjectDetails(name, { default: true }, context);
    }
}

for (const [name, value, enabled] of features) {
    if (!enabled) continue;
    test(`the flag ${name} arrives with its type`, async () => {
        const expected = ofrepValue(value, enabled);
        const flag = await details(await client(), name, expected);
        assert.deepEqual([flag.value, flag.reason, flag.variant, flag.errorCode], [expected, 'STATIC', 'default', undefined]);
        assert.equal(flag.flagMetadata.type, 'STANDARD');
    });
}

test("a flag with a value that is off is the code's own default", async () => {
    const flag = await (await client()).getStringDetails('disabled', "the code's own", user);
    assert.equal(flag.value, "the code's own");
});

test("a switch that is off is false and not the code's own default", async t => {
    t.after(() => change('null_value', { enabled: true }));
    await change('null_value', { enabled: false });
    const flag = await (await client()).getBooleanDetails('null_value', true, user);
    assert.deepEqual([flag.value, flag.reason], [false, 'STATIC']);
});

test('the read after a write sees it', async t => {
    t.after(() => change('changing', { value: 'before', enabled: false }));
    const flags = await client();
    for (const value of ['one', 'two']) {
        await change('changing', { value, enabled: true });
        assert.equal(await flags.getStringValue('changing', 'default', user), value);
    }
});

test("errors are OpenFeature's own", async () => {
    const flags = await client();
    const codes = [
        await details(flags, 'no such flag', true),
        await details(flags, 'integer', 'text'),
        await details(flags, 'integer', 1, { plan: 'pro' }),
        await details(flags, 'integer', 1, { targetingKey: 'x'.repeat(2001) }),
        await details(await client(unknownKey), 'integer', 1)
    ].map(flag => flag.errorCode);
    assert.deepEqual(codes, ['FLAG_NOT_FOUND', 'TYPE_MISMATCH', 'TARGETING_KEY_MISSING', 'INVALID_CONTEXT', 'GENERAL']);
});
