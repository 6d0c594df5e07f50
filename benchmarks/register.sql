-- Rows %(first)s to %(last)s of a register of %(rows)s grievances, the same ones every time: half in
-- English and half in Chinese, a few offices and categories with most of the work, times in the
-- order of the ids as in any register, and words of which one row in 40,000 has each.
WITH words AS (
    SELECT
        ARRAY['Street light out', 'Missed collection', 'Pothole', 'Bulk item pickup',
              'Noise at night', 'Graffiti', 'Broken pavement', 'Blocked drain', 'Rodents',
              'Abandoned vehicle', 'Damaged sign', 'Overflowing bin', 'Unsafe building',
              'Tree down', 'No heat', 'Water leak', 'No answer to letter', 'Wrong bill',
              'Permit delayed', 'Counter closed'] AS what_en,
        ARRAY['路灯不亮', '垃圾未清运', '路面坑洼', '噪音扰民', '下水道堵塞', '违章停车',
              '拖欠工资', '无人受理', '答复超期', '井盖缺失', '占道经营', '供水中断', '暖气不热',
              '违法建筑', '油烟污染', '物业收费', '公交站牌损坏', '绿化带破坏', '电梯故障',
              '窗口态度差'] AS what_zh,
        ARRAY['Elm', 'Oak', 'Maple', 'Mill', 'Church', 'Station', 'Park', 'Queen', 'King',
              'Bridge', 'Market', 'School', 'Green', 'Victoria', 'Albert', 'North', 'South',
              'Harbour', 'Castle', 'Abbey'] AS road_en,
        ARRAY['Street', 'Road', 'Avenue', 'Lane', 'Square'] AS kind_en,
        ARRAY['和平', '解放', '建设', '人民', '中山', '新华', '文化', '胜利', '光明', '东风',
              '长江', '黄河', '泰山', '工业', '青年', '朝阳', '幸福', '公园', '学院', '滨江']
              AS road_zh,
        ARRAY['路', '街', '大道', '巷', '里'] AS kind_zh,
        ARRAY['zeppelin', 'ocarina', '饕餮纹', '貔貅', '鼍'] AS rare,
        ARRAY['phone', 'web', 'app', 'counter', 'letter', 'email', 'reception', 'social',
              'referral', 'staff', 'other'] AS channels,
        (SELECT array_agg(id ORDER BY id) FROM office) AS offices,
        (SELECT array_agg(id ORDER BY id) FROM category) AS categories
), dice AS (
    SELECT
        number,
        random() AS what, random() AS road, random() AS kind, random() AS house,
        random() AS office, random() AS respondent, random() AS category, random() AS channel,
        random() AS hurry, random() AS length, random() AS fate, random() AS wait,
        number %% 2 = 0 AS chinese,
        timestamptz '2015-01-01 00:00+00'
            + number::double precision / %(rows)s * interval '4300 days'
            + random() * interval '12 hours' AS received_at
    FROM generate_series(%(first)s::bigint, %(last)s::bigint) AS number
), told AS (
    SELECT
        dice.*,
        words.*,
        CASE WHEN chinese THEN what_zh[1 + floor(20 * what ^ 2)::int]
             ELSE what_en[1 + floor(20 * what ^ 2)::int] END AS matter,
        CASE WHEN chinese
             THEN road_zh[1 + floor(20 * road)::int] || kind_zh[1 + floor(5 * kind ^ 2)::int]
                  || (1 + floor(300 * house))::int || '号'
             ELSE (1 + floor(300 * house))::int || ' ' || road_en[1 + floor(20 * road)::int]
                  || ' ' || kind_en[1 + floor(5 * kind ^ 2)::int] END AS spot,
        CASE WHEN number %% 8000 = 7
             THEN ' ' || rare[1 + (number / 8000 %% 5)::int] ELSE '' END AS rarity,
        -- The older, the surer it is closed; one in a hundred was withdrawn.
        CASE WHEN fate < 0.01 THEN 'withdrawn'
             WHEN fate < 0.94 - 0.6 * (number::double precision / %(rows)s) ^ 40 THEN 'closed'
             WHEN fate < 0.96 THEN 'answered'
             WHEN fate < 0.98 THEN 'routed'
             ELSE 'registered' END AS state
    FROM dice CROSS JOIN words
)
INSERT INTO grievance (
    number, title, description, state, channel, category_id, place, respondent_office_id,
    responsible_office_id, received_at, due_at, acknowledged_at, answered_at, closed_at,
    withdrawn_at, withdrawal_statement, answer, source, external_number
)
SELECT
    to_char(received_at, 'YYYY') || '-' || lpad(number::text, 7, '0'),
    CASE WHEN chinese THEN spot || matter ELSE matter || ' at ' || spot END || rarity,
    repeat(
        CASE WHEN chinese THEN '反映人称' || spot || matter || '，多次联系未果，请责任单位尽快处理。'
             ELSE matter || ' at ' || spot || ', reported before and not put right. ' END,
        1 + floor(3 * length)::int
    ),
    state,
    channels[1 + floor(11 * channel ^ 3)::int],
    categories[1 + floor(cardinality(categories) * category ^ 3)::int],
    CASE WHEN length < 0.8 THEN spot END,
    offices[1 + floor(cardinality(offices) * respondent ^ 2)::int],
    offices[1 + floor(cardinality(offices) * office ^ 3)::int],
    received_at,
    CASE WHEN hurry < 0.81 THEN received_at + (1 + floor(45 * hurry)) * interval '1 day' END,
    CASE WHEN hurry < 0.9 THEN received_at + hurry * interval '3 days' END,
    CASE WHEN state IN ('answered', 'closed')
         THEN received_at + (0.02 + 90 * wait ^ 4) * interval '1 day' END,
    CASE WHEN state = 'closed' THEN received_at + (0.02 + 120 * wait ^ 4) * interval '1 day' END,
    CASE WHEN state = 'withdrawn' THEN received_at + wait * interval '30 days' END,
    CASE WHEN state = 'withdrawn' THEN 'I take it back.' END,
    CASE WHEN state = 'closed' THEN CASE WHEN chinese THEN '已处理完毕，已告知。'
                                         ELSE 'Case resolved. The caller was told.' END END,
    'bench',
    '1010' || lpad(number::text, 8, '0')
FROM told
ORDER BY number
