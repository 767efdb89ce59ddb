// Reads flags through Flagsmith's own Node.js SDK. `../run` starts it with a server; see `server.mjs`.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DefaultFlag, Flagsmith, FlagsmithAPIError } from 'flagsmith-nodejs';
import { change, features, productionKey, stagingKey, unknownKey, url } from './server.mjs';

function client(environmentKey = productionKey, options = {}) {
    return new Flagsmith({
        environmentKey,
        apiUrl: `${url}/api/v1/`,
        requestTimeoutSeconds: 5,
        logger: { error() {}, warn() {}, info() {}, debug() {} },
        ...options
    });
}

test('all flags arrive ordered by name', async () => {
    const flags = (await client().getEnvironmentFlags()).allFlags();
    assert.deepEqual(flags.map(flag => flag.featureName), features.map(([name]) => name).sort());
    assert.equal(new Set(flags.map(flag => flag.featureId)).size, features.length);
});

for (const [name, value, enabled] of features) {
    test(`the flag ${name} arrives with its type and state`, async () => {
        const flag = (await client().getEnvironmentFlags()).getFlag(name);
        assert.equal(flag.enabled, enabled);
        assert.equal(flag.isDefault, false);
        if (value === null) {
            // The SDK reads `feature_state_value ?? value`, so null becomes undefined.
            assert.equal(flag.value ?? null, null);
        } else if (typeof value === 'object') {
            assert.equal(typeof flag.value, 'string');
            assert.deepEqual(JSON.parse(flag.value), value);
        } else {
            assert.equal(flag.value, value);
        }
    });
}

test('a disabled flag keeps its value', async () => {
    const flags = await client().getEnvironmentFlags();
    assert.equal(flags.isFeatureEnabled('disabled'), false);
    assert.equal(flags.getFeatureValue('disabled'), 'still has a value');
});

test('a key reads its own environment', async () => {
    const staging = (await client(stagingKey).getEnvironmentFlags()).getFlag('string');
    const production = (await client().getEnvironmentFlags()).getFlag('string');
    assert.deepEqual([staging.value, staging.enabled], ['only in staging', false]);
    assert.deepEqual([production.value, production.enabled], [features.find(([name]) => name === 'string')[1], true]);
});

test('the read after a write sees it', async t => {
    const flagsmith = client();
    t.after(() => change('changing', { value: 'before', enabled: false }));
    for (const [value, enabled] of [[1, true], ['two', false], [true, true]]) {
        await change('changing', { value, enabled });
        const flag = (await flagsmith.getEnvironmentFlags()).getFlag('changing');
        assert.deepEqual([flag.value, flag.enabled], [value, enabled]);
    }
});

test('a feature that does not exist is a default, disabled flag', async () => {
    const flag = (await client().getEnvironmentFlags()).getFlag('no_such_feature');
    assert.deepEqual([flag.isDefault, flag.enabled, flag.value], [true, false, undefined]);
});

for (const key of [unknownKey, 'not a key', `${productionKey.toLowerCase()}x`]) {
    test(`a bad key of ${key.length} characters is the SDK's own error`, async () => {
        await assert.rejects(client(key).getEnvironmentFlags(), error => {
            assert.ok(error.cause instanceof FlagsmithAPIError, String(error.cause));
            assert.match(error.cause.message, /status code: 401/);
            return true;
        });
    });
}

test('with a bad key the default flag handler answers', async () => {
    const flagsmith = client(unknownKey, {
        defaultFlagHandler: name => new DefaultFlag(`default of ${name}`, false)
    });
    const flags = await flagsmith.getEnvironmentFlags();
    assert.deepEqual(flags.allFlags(), []);
    const flag = flags.getFlag('boolean_true');
    assert.deepEqual([flag.isDefault, flag.enabled, flag.value], [true, false, 'default of boolean_true']);
});
